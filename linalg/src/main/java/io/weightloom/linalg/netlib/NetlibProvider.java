package io.weightloom.linalg.netlib;

import com.google.auto.service.AutoService;
import io.weightloom.kernel.Usability;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.LapackLinAlg;
import io.weightloom.linalg.LinAlgProvider;

/** Offers netlib in Java; usable wherever its jars are. */
@AutoService(LinAlgProvider.class)
public final class NetlibProvider implements LinAlgProvider {
  private static final String NAME = "netlib";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return 10;
  }

  @Override
  public Usability usability() {
    try {
      return Usability.yes(NetlibLapack.load().describe());
    } catch (LinkageError | ReflectiveOperationException e) {
      return Usability.no(
          "netlib cannot be loaded: "
              + e
              + " (add dev.ludovic.netlib:blas and net.sourceforge.f2j:arpack_combined_all)");
    }
  }

  @Override
  public DenseLinAlg create() {
    try {
      return new LapackLinAlg(NAME, NetlibLapack.load());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("netlib was there", e);
    }
  }
}
