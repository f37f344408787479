/**
 * What a merge method is and the arithmetic that it is written in. Methods live in {@code
 * merge.methods}, one file each, and never import each other. May be imported by everyone; imports
 * {@code tensor}, {@code kernel} and {@code error}.
 */
@NullMarked
package io.weightloom.merge;

import org.jspecify.annotations.NullMarked;
