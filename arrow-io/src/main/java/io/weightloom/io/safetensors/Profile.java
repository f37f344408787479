package io.weightloom.io.safetensors;

/** How much of what the format's text forbids is let pass. */
public enum Profile {
  /** What the reference reader accepts is accepted; what the text forbids becomes a warning. */
  REFERENCE,
  /** What the text forbids, or readers understand differently, is an error. */
  STRICT
}
