package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.job.Json;
import io.weightloom.job.Manifest;
import io.weightloom.job.PlanReport;
import io.weightloom.job.Units;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.MergeMethods;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code weightloom doctor}. */
@Command(
    name = "doctor",
    description = "Show what this machine offers and what is missing; starts no Spark.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {"  weightloom doctor", "  weightloom doctor --output json | jq .kernels"})
final class DoctorCommand implements Callable<Integer> {

  @Mixin private OutputFormat format = new OutputFormat();

  @Override
  public Integer call() {
    Runtime runtime = Runtime.getRuntime();
    ObjectNode out = Json.object();
    out.put("weightloom", Manifest.version());
    out.put("java", Runtime.version() + " (" + System.getProperty("java.vm.name") + ")");
    out.put("spark", sparkVersion());
    out.put("cores", runtime.availableProcessors());
    out.put("heap", Units.bytes(runtime.maxMemory()));
    out.put("kernels", PlanReport.kernels());
    out.put("linalg", PlanReport.linAlg());
    out.put("methods", String.join(", ", MergeMethods.names()));
    if (format.isJson()) {
      ObjectNode providers = out.putObject("kernel_providers");
      KernelRegistry.get().answers().forEach((name, a) -> providers.put(name, a.reason()));
      System.out.print(Json.prettyText(out));
    } else {
      out.properties()
          .forEach(e -> System.out.printf("%-11s %s%n", e.getKey(), e.getValue().asText()));
    }
    return 0;
  }

  private static String sparkVersion() {
    try {
      return org.apache.spark.package$.MODULE$.SPARK_VERSION();
    } catch (LinkageError e) {
      return "not on the class path: " + e;
    }
  }
}
