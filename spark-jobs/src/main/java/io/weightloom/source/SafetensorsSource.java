package io.weightloom.source;

/** The same source by the name of the files. */
public final class SafetensorsSource extends CheckpointSource {

  @Override
  public String shortName() {
    return "safetensors";
  }
}
