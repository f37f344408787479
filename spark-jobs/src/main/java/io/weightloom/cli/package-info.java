/**
 * The command line: a command makes a request, prints the result, and is the only place that prints
 * or exits. Imported by nobody.
 */
@NullMarked
package io.weightloom.cli;

import org.jspecify.annotations.NullMarked;
