/**
 * Dense linear algebra behind one interface: products, Gram matrices, singular and eigen values,
 * Cholesky factors. May be imported by everyone; imports {@code kernel} (how providers answer) and
 * {@code error}.
 */
@NullMarked
package io.weightloom.linalg;

import org.jspecify.annotations.NullMarked;
