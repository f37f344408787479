package io.weightloom.job;

import java.util.List;

/**
 * What was written.
 *
 * @param output the directory
 * @param tensors how many
 * @param bytes of all tensors
 * @param files the weights files, by name
 * @param warnings what was let pass
 */
public record ImplodeResult(
    String output, int tensors, long bytes, List<String> files, List<String> warnings) {

  public ImplodeResult {
    files = List.copyOf(files);
    warnings = List.copyOf(warnings);
  }
}
