/** Failures that a user can act upon. May be imported by everyone; imports the JDK only. */
@NullMarked
package io.weightloom.error;

import org.jspecify.annotations.NullMarked;
