/**
 * The safetensors format: header reader with two profiles, byte-exact layout, small writer. May be
 * imported by everyone but {@code core}; imports {@code io.ByteSource}, {@code core} and Jackson's
 * streaming parser.
 */
@NullMarked
package io.weightloom.io.safetensors;

import org.jspecify.annotations.NullMarked;
