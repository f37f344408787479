package io.weightloom.job;

/**
 * What became of a model.
 *
 * @param model what the table calls it
 * @param partition its directory
 * @param tensors how many
 * @param blocks how many rows
 * @param rawBytes of all tensors
 * @param tableBytes of the Parquet files
 * @param parts how many files
 * @param keptParts how many of them an earlier run had written
 * @param content digest of all blocks
 */
public record ExplodeResult(
    String model,
    String partition,
    int tensors,
    long blocks,
    long rawBytes,
    long tableBytes,
    int parts,
    int keptParts,
    String content) {}
