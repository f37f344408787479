package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.UnitRemoval.Wanted;
import io.weightloom.prune.CoupledUnits.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that take units out of every layer of a model. */
final class UnitOptions {

  /** What ranks units. */
  enum UnitNorm {
    L1,
    L2
  }

  @Option(
      names = "--drop-channels",
      paramLabel = "COUNT|SHARE",
      description = "take so many inner channels out of each layer's perceptron: 512, or 0.25")
  private @Nullable String channels;

  @Option(
      names = "--channel-scores",
      paramLabel = "FILE",
      description = "JSON list a layer of a number a channel, instead of norms")
  private @Nullable Path channelScores;

  @Option(
      names = "--merge-channels",
      paramLabel = "COUNT|SHARE",
      description = "merge so many inner channels of each layer into those they are nearest to")
  private @Nullable String mergedChannels;

  @Option(
      names = "--drop-heads",
      paramLabel = "COUNT|SHARE",
      description = "take so many attention heads out of each layer, with their keys and values")
  private @Nullable String heads;

  @Option(
      names = "--head-scores",
      paramLabel = "FILE",
      description = "JSON list a layer of a number a head, instead of norms")
  private @Nullable Path headScores;

  @Option(
      names = "--unit-norm",
      defaultValue = "l2",
      description = "the norm of all that goes with a unit: l1 or l2 (default: l2)")
  private UnitNorm norm = UnitNorm.L2;

  /** Whether units go. */
  boolean isGiven() {
    return channels != null
        || mergedChannels != null
        || heads != null
        || channelScores != null
        || headScores != null;
  }

  boolean isSquares() {
    return norm == UnitNorm.L2;
  }

  List<Wanted> wanted() {
    List<Wanted> wanted = new ArrayList<>();
    if (mergedChannels != null) {
      if (channels != null || channelScores != null) {
        throw WeightloomException.usage(
            "Cannot merge channels and drop others at once (leave --drop-channels and --channel-scores out, or drop in a second step)");
      }
      wanted.add(new Wanted(Kind.CHANNELS, mergedChannels, null, true));
    }
    add(wanted, Kind.CHANNELS, channels, channelScores);
    add(wanted, Kind.HEADS, heads, headScores);
    return wanted;
  }

  private static void add(
      List<Wanted> to, Kind kind, @Nullable String amount, @Nullable Path scores) {
    if (amount != null) {
      to.add(new Wanted(kind, amount, scores, false));
    } else if (scores != null) {
      throw WeightloomException.usage(
          "Cannot remove %s by %s: it is not said how many (add --drop-%s)"
              .formatted(kind.plural(), scores, kind.plural()));
    }
  }
}
