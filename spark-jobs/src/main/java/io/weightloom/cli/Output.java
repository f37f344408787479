package io.weightloom.cli;

/** How results are printed. */
enum Output {
  /** For people. */
  TEXT,
  /** For programs: one JSON document on standard output. */
  JSON
}
