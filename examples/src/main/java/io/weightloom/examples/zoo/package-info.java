/**
 * The demo's zoo: a base network and one fine-tuned network per task, trained here from nothing in
 * seconds, with the same bytes on every machine. Imported by no other package; imports {@code
 * tensor}, {@code kernel} and {@code error} of core.
 */
@NullMarked
package io.weightloom.examples.zoo;

import org.jspecify.annotations.NullMarked;
