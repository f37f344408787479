package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.cli.JobOptions.ProgressMode;
import io.weightloom.job.Json;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.job.Units;

/** Progress on standard error: a line that is redrawn on a terminal, or lines of JSON. */
final class ProgressLine implements Progress {
  private static final int WIDTH = 24;

  /** Set by the launcher, which can ask what a JVM cannot: is standard error a terminal? */
  private static final String TERMINAL = "weightloom.terminal";

  private final ProgressMode mode;
  private final long begin = System.nanoTime();
  private boolean drawn;

  private ProgressLine(ProgressMode mode) {
    this.mode = mode;
  }

  static ProgressLine of(ProgressMode mode) {
    boolean dull = mode == ProgressMode.AUTO && !Boolean.getBoolean(TERMINAL);
    return new ProgressLine(dull ? ProgressMode.NONE : mode);
  }

  @Override
  public synchronized void at(String phase, long done, long total) {
    double seconds = (System.nanoTime() - begin) / 1e9;
    if (mode == ProgressMode.JSON) {
      ObjectNode line = Json.object();
      line.put("phase", phase);
      line.put("done_bytes", done);
      line.put("total_bytes", total);
      line.put("seconds", Math.round(seconds * 1000) / 1000.0);
      System.err.println(Json.line(line));
    } else if (mode == ProgressMode.AUTO) {
      double share = total == 0 ? 1 : (double) done / total;
      int full = (int) (share * WIDTH);
      System.err.printf(
          "\r%-10s [%s%s] %3.0f %%  %s of %s  %.0f s ",
          phase,
          "=".repeat(full),
          " ".repeat(WIDTH - full),
          100 * share,
          Units.bytes(done),
          Units.bytes(total),
          seconds);
      drawn = true;
    }
  }

  /** Wipes the line, so that words may follow. */
  synchronized void wipe() {
    if (drawn) {
      System.err.print("\r" + " ".repeat(79) + "\r");
      drawn = false;
    }
  }
}
