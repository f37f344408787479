package io.weightloom.source;

import io.weightloom.io.TensorLocation;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.BlockCut.Block;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of a tensor, of one model or of several that are aligned: the same blocks of all.
 *
 * @param cut how it is cut
 * @param inputs where it is in each model; of one shape
 */
record TensorBlocks(BlockCut cut, List<Input> inputs) implements Serializable {
  private static final long serialVersionUID = 1;

  /** A tensor without elements has one block of none, so that no tensor is lost. */
  private static final Block NONE = new Block(0, 0, 0, 0, 0);

  private static final String RAW = "raw";

  /**
   * A tensor of a model.
   *
   * @param model the model's name
   * @param revision the model's snapshot, or null
   * @param location where the bytes are
   */
  record Input(String model, @Nullable String revision, TensorLocation location)
      implements Serializable {
    private static final long serialVersionUID = 1;

    TensorSpec spec() {
      return location.spec();
    }
  }

  TensorBlocks {
    inputs = List.copyOf(inputs);
  }

  static TensorBlocks of(List<Input> inputs, int blockElements) {
    return new TensorBlocks(BlockCut.of(inputs.get(0).spec(), blockElements), inputs);
  }

  String name() {
    return inputs.get(0).spec().name();
  }

  /** How many rows it has. */
  long count() {
    return Math.max(1, cut.blocks());
  }

  /** A block by its number. */
  Block block(long index) {
    return cut.blocks() == 0 ? NONE : cut.block(index);
  }

  /** Where a block begins in the file of an input. */
  long begin(int input, Block block) {
    return place(input, block.offset());
  }

  /** Where it ends. */
  long end(int input, Block block) {
    return place(input, block.offset() + block.count());
  }

  private long place(int input, long elements) {
    TensorLocation location = inputs.get(input).location();
    return location.begin() + bytes(location.spec(), elements);
  }

  /** The bytes of so many of a tensor's elements, which are whole bytes. */
  static long bytes(TensorSpec spec, long elements) {
    int bits = spec.dtype().bits();
    // Eight elements at once: all bits together may pass a long where the bytes do not.
    return elements / 8 * bits + elements % 8 * bits / 8;
  }

  /**
   * What a column holds, as Spark has it inside.
   *
   * @param block null for the columns that need none
   */
  @Nullable Object value(BlockColumn column, @Nullable Block block) {
    Input input = inputs.get(column.input());
    return switch (column.kind()) {
      case MODEL -> text(input.model());
      case REVISION -> text(input.revision());
      case TENSOR -> text(name());
      case ROLE -> text(TensorName.role(name()));
      case LAYER -> TensorName.layer(name()).map(TensorName.Layer::index).orElse(null);
      case DTYPE -> text(input.spec().dtype().name());
      case SHAPE ->
          UnsafeArrayData.fromPrimitiveArray(
              input.spec().shape().dims().stream().mapToLong(Long::longValue).toArray());
      case FILE -> text(input.location().file());
      case ENCODING -> text(RAW);
      case BLOCK -> of(block).index();
      case ROW_BEGIN -> of(block).rowBegin();
      case ROW_END -> of(block).rowEnd();
      case OFFSET -> of(block).offset();
      case COUNT -> of(block).count();
      case FILE_BEGIN -> begin(column.input(), of(block));
      case FILE_END -> end(column.input(), of(block));
      case DATA, DIGEST, STATS -> throw new IllegalStateException(column + " needs data");
    };
  }

  /**
   * What is known of a block, or of all.
   *
   * @param block null for all
   */
  HeaderFilter.Facts facts(@Nullable Block block) {
    return new HeaderFilter.Facts() {
      @Override
      public boolean knows(BlockColumn column) {
        return column.kind().needs() == BlockColumn.Needs.TENSOR
            || (block != null && column.kind().needs() == BlockColumn.Needs.BLOCK);
      }

      @Override
      public @Nullable Object value(BlockColumn column) {
        return TensorBlocks.this.value(column, block);
      }
    };
  }

  private static Block of(@Nullable Block block) {
    if (block == null) {
      throw new IllegalStateException("no block is given");
    }
    return block;
  }

  static @Nullable UTF8String text(@Nullable String text) {
    return UTF8String.fromString(text);
  }
}
