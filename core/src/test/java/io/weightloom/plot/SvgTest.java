package io.weightloom.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class SvgTest {

  private static Element parse(String svg) throws Exception {
    return DocumentBuilderFactory.newDefaultInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)))
        .getDocumentElement();
  }

  private static List<Element> all(Element root, String tag) {
    NodeList nodes = root.getElementsByTagName(tag);
    List<Element> found = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      found.add((Element) nodes.item(i));
    }
    return found;
  }

  private static Element cell(Element root, String told) {
    return all(root, "rect").stream()
        .filter(r -> r.getTextContent().equals(told))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no cell " + told));
  }

  @Test
  void aHeatmapColoursFromTheLeastToTheGreatest() throws Exception {
    Element root =
        parse(
            Svg.heatmap(
                "<a> & b",
                List.of("r0", "r1"),
                List.of("c0", "c1"),
                new double[][] {{-1, 0}, {3, Double.NaN}},
                Palette.SEQUENTIAL));
    assertThat(root.getElementsByTagName("title").item(0).getTextContent()).isEqualTo("<a> & b");
    assertThat(cell(root, "r0 · c0: -1").getAttribute("fill")).isEqualTo("#440154");
    assertThat(cell(root, "r0 · c1: 0").getAttribute("fill")).isEqualTo("#3b528b");
    assertThat(cell(root, "r1 · c0: 3").getAttribute("fill")).isEqualTo("#fde725");
    assertThat(cell(root, "r1 · c1: NaN").getAttribute("fill")).isEqualTo("#dddddd");
  }

  @Test
  void aDivergingHeatmapHasItsMiddleAtZero() throws Exception {
    Element root =
        parse(
            Svg.heatmap(
                "t",
                List.of("r"),
                List.of("a", "b", "c"),
                new double[][] {{-4, 0, 1}},
                Palette.DIVERGING));
    assertThat(cell(root, "r · a: -4").getAttribute("fill")).isEqualTo("#2166ac");
    assertThat(cell(root, "r · b: 0").getAttribute("fill")).isEqualTo("#f7f7f7");
  }

  @Test
  void equalValuesHaveTheMiddlesColour() throws Exception {
    Element root =
        parse(
            Svg.heatmap("t", List.of("r"), List.of("a"), new double[][] {{5}}, Palette.SEQUENTIAL));
    assertThat(cell(root, "r · a: 5").getAttribute("fill")).isEqualTo("#21918c");
  }

  /**
   * On a logarithmic axis tenfold steps are equally far apart; what has no logarithm is left out.
   */
  @Test
  void pointsStandWhereTheAxesSay() throws Exception {
    Series s = new Series("s", new double[] {1, 10, 100, 0, -5}, new double[] {0, 5, 10, 3, 3});
    Element root = parse(Svg.points("t", Axis.log("x"), Axis.linear("y"), List.of(s)));
    List<Element> dots = all(root, "circle");
    assertThat(dots).hasSize(3);
    double[] x = dots.stream().mapToDouble(d -> Double.parseDouble(d.getAttribute("cx"))).toArray();
    double[] y = dots.stream().mapToDouble(d -> Double.parseDouble(d.getAttribute("cy"))).toArray();
    assertThat(x[1] - x[0]).isPositive().isCloseTo(x[2] - x[1], within(0.11));
    assertThat(y[0] - y[1]).isPositive().isCloseTo(y[1] - y[2], within(0.11));
  }

  @Test
  void aGapInTheNumbersIsAGapInTheLine() throws Exception {
    Series s = Series.of("s", new double[] {1, 2, Double.NaN, 4, 5});
    Element root = parse(Svg.lines("t", Axis.linear("x"), Axis.linear("y"), List.of(s)));
    assertThat(all(root, "polyline"))
        .extracting(p -> p.getAttribute("points").split(" ").length)
        .containsExactly(2, 2);
  }

  @Test
  void barsGoBothWaysFromZero() throws Exception {
    Element root = parse(Svg.bars("t", "x", List.of("a", "b"), new double[] {2, -1}));
    Element up = cell(root, "a: 2");
    Element down = cell(root, "b: -1");
    assertThat(Double.parseDouble(up.getAttribute("width")))
        .isCloseTo(2 * Double.parseDouble(down.getAttribute("width")), within(0.2));
    assertThat(Double.parseDouble(up.getAttribute("x")))
        .isCloseTo(
            Double.parseDouble(down.getAttribute("x"))
                + Double.parseDouble(down.getAttribute("width")),
            within(0.2));
  }

  @Test
  void aPictureOfNothingIsAPicture() throws Exception {
    assertThat(
            all(
                parse(Svg.heatmap("t", List.of(), List.of(), new double[0][], Palette.SEQUENTIAL)),
                "svg"))
        .isEmpty();
    assertThat(all(parse(Svg.lines("t", Axis.log("x"), Axis.linear("y"), List.of())), "polyline"))
        .isEmpty();
    assertThat(all(parse(Svg.bars("t", "x", List.of(), new double[0])), "title")).isNotEmpty();
  }

  @Test
  void numbersAreShort() {
    assertThat(Axis.shown(0)).isEqualTo("0");
    assertThat(Axis.shown(1234.56)).isEqualTo("1235");
    assertThat(Axis.shown(2.5)).isEqualTo("2.5");
    assertThat(Axis.shown(0.0123456)).isEqualTo("0.0123");
    assertThat(Axis.shown(1e-7)).isEqualTo("1e-7");
    assertThat(Axis.shown(-2.5e12)).isEqualTo("-2.5e12");
  }
}
