/** Benchmarks of the kernels. Imports what it measures; imported by nobody. */
package io.weightloom.bench;
