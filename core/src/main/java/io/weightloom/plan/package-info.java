/**
 * From a recipe and the headers of its models to every tensor, byte and shard of the output; pure.
 * May be imported by everyone; imports {@code recipe}, {@code merge}, {@code tensor} and {@code
 * error}.
 */
@NullMarked
package io.weightloom.plan;

import org.jspecify.annotations.NullMarked;
