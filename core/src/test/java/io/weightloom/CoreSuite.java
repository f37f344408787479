package io.weightloom;

import io.weightloom.testkit.JUnitPlatformSuite;

/** This module's tests for ScalaTest's Runner. */
public final class CoreSuite extends JUnitPlatformSuite {
  public CoreSuite() {
    super("io.weightloom");
  }
}
