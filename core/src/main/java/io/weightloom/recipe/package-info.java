/**
 * The recipe: mergekit's grammar and our additions under {@code weightloom}. May be imported by
 * everyone; imports {@code tensor}, {@code merge} and {@code error}.
 */
@NullMarked
package io.weightloom.recipe;

import org.jspecify.annotations.NullMarked;
