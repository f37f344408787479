package io.weightloom.testkit;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectUniqueId;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.platform.engine.discovery.PackageNameFilter;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.scalactic.source.Position;
import org.scalatest.funsuite.AnyFunSuite;
import scala.collection.immutable.List$;
import scala.runtime.BoxedUnit;

/**
 * A module's Jupiter tests as a ScalaTest suite. A module has one empty subclass, in its test
 * sources, named {@code ‹Module›Suite} so that Surefire passes it by:
 *
 * <pre>{@code
 * public final class CoreSuite extends JUnitPlatformSuite {
 *   public CoreSuite() {
 *     super("io.weightloom");
 *   }
 * }
 * }</pre>
 *
 * <p>Each test method is one ScalaTest test; the runs of a parameterised method, and all methods of
 * a parameterised class, are one test too, as they are only known when they run. Every test is
 * started on its own, so {@code @BeforeAll} runs before each: what is expensive to start belongs
 * into a holder.
 */
public abstract class JUnitPlatformSuite extends AnyFunSuite {
  private final Launcher launcher =
      LauncherFactory.create(
          LauncherConfig.builder()
              .enableLauncherSessionListenerAutoRegistration(false)
              .enableLauncherDiscoveryListenerAutoRegistration(false)
              .enableTestExecutionListenerAutoRegistration(false)
              .enablePostDiscoveryFilterAutoRegistration(false)
              .build());

  /**
   * Registers the tests that lie beside the subclass.
   *
   * @param packageName those of this package and below
   */
  protected JUnitPlatformSuite(String packageName) {
    TestPlan plan =
        launcher.discover(
            request()
                .selectors(selectClasspathRoots(Set.of(testClasses())))
                .filters(PackageNameFilter.includePackageNames(packageName))
                .build());
    for (TestIdentifier root : plan.getRoots()) {
      plan.getDescendants(root).stream()
          .filter(id -> plan.getChildren(id).isEmpty())
          .forEach(id -> register(id, packageName));
    }
  }

  private static LauncherDiscoveryRequestBuilder request() {
    return LauncherDiscoveryRequestBuilder.request()
        .filters(EngineFilter.includeEngines("junit-jupiter"));
  }

  private Path testClasses() {
    try {
      return Path.of(getClass().getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("Cannot find the test classes of " + getClass(), e);
    }
  }

  private void register(TestIdentifier id, String packageName) {
    Position here = Position.apply("JUnitPlatformSuite.java", "JUnitPlatformSuite.java", 1);
    test(nameOf(id).replace(packageName + '.', ""), List$.MODULE$.empty(), () -> run(id), here);
  }

  private static String nameOf(TestIdentifier id) {
    return id.getSource()
        .map(
            source -> {
              if (source instanceof MethodSource method) {
                return method.getClassName() + " " + id.getDisplayName();
              }
              return source instanceof ClassSource type ? type.getClassName() : id.getUniqueId();
            })
        .orElseGet(id::getUniqueId);
  }

  private Object run(TestIdentifier id) {
    JUnitOutcome outcome = new JUnitOutcome();
    launcher.execute(request().selectors(selectUniqueId(id.getUniqueId())).build(), outcome);
    outcome.rethrow();
    return BoxedUnit.UNIT;
  }
}
