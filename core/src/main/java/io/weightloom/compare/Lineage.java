package io.weightloom.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Who may descend from whom, after MoTHer (Horwitz, Shul, Hoshen: "On the Origin of Llamas"):
 * models are clustered into trees by their distances (Ward), and each tree is the cheapest
 * arborescence (Edmonds), where an edge costs the distance of both and more if the kurtosis says
 * that it runs the other way. Which way that is depends on the family: a hint, never a verdict.
 */
public final class Lineage {
  /** What an edge against the kurtosis costs, in mean distances. */
  private static final double PENALTY = 0.3;

  private Lineage() {}

  /** Which of two models the kurtosis makes the parent. */
  public enum Direction {
    /** The one of greater kurtosis: most families. */
    FALLING,
    /** The one of lesser kurtosis: Stable Diffusion. */
    RISING
  }

  /**
   * A model and the parent that it may have.
   *
   * @param tree number of its tree, from 0
   * @param child index of a model
   * @param parent index of another; −1 for a root
   * @param distance of both; NaN for a root
   * @param distanceMargin by how much the next nearest model of the tree is further from the child,
   *     as a share of the distance; below 0 if another is nearer, NaN if there is none
   * @param kurtosisMargin by how much the kurtoses differ, as a share of the sum of their sizes,
   *     above 0 if they speak for this direction; NaN for a root
   */
  public record Edge(
      int tree,
      int child,
      int parent,
      double distance,
      double distanceMargin,
      double kurtosisMargin) {}

  /**
   * Guesses the trees.
   *
   * @param apart symmetric distances that clusters are made by
   * @param near symmetric distances that edges cost
   * @param kurtosis of each model
   * @param trees how many, from 1 to the number of models
   */
  public static List<Edge> of(
      double[][] apart, double[][] near, double[] kurtosis, int trees, Direction direction) {
    int[] clusters = clusters(apart, trees);
    List<Edge> edges = new ArrayList<>();
    for (int tree = 0; tree < trees; tree++) {
      int wanted = tree;
      int[] members =
          IntStream.range(0, clusters.length).filter(i -> clusters[i] == wanted).toArray();
      addTree(edges, tree, members, near, kurtosis, direction);
    }
    return edges;
  }

  private static void addTree(
      List<Edge> edges,
      int tree,
      int[] members,
      double[][] near,
      double[] kurtosis,
      Direction direction) {
    int n = members.length;
    double total = 0;
    for (int i : members) {
      for (int j : members) {
        total += near[i][j];
      }
    }
    double mean = total / ((double) n * n);
    double[][] cost = new double[n][n];
    for (int parent = 0; parent < n; parent++) {
      for (int child = 0; child < n; child++) {
        double margin = margin(kurtosis[members[parent]], kurtosis[members[child]], direction);
        cost[parent][child] =
            near[members[parent]][members[child]] + (margin < 0 ? PENALTY * mean : 0);
      }
    }
    int[] parents = arborescence(cost);
    for (int i = 0; i < n; i++) {
      int child = members[i];
      int parent = parents[i] < 0 ? -1 : members[parents[i]];
      edges.add(
          new Edge(
              tree,
              child,
              parent,
              parent < 0 ? Double.NaN : near[parent][child],
              parent < 0 ? Double.NaN : distanceMargin(near, members, child, parent),
              parent < 0 ? Double.NaN : margin(kurtosis[parent], kurtosis[child], direction)));
    }
  }

  private static double distanceMargin(double[][] near, int[] members, int child, int parent) {
    double next =
        Arrays.stream(members)
            .filter(i -> i != child && i != parent)
            .mapToDouble(i -> near[i][child])
            .min()
            .orElse(Double.NaN);
    return (next - near[parent][child]) / near[parent][child];
  }

  private static double margin(double parent, double child, Direction direction) {
    double falls = (parent - child) / (Math.abs(parent) + Math.abs(child));
    return direction == Direction.FALLING ? falls : -falls;
  }

  /**
   * Ward's clusters, by the Lance–Williams recurrence on distances as SciPy's {@code linkage} does;
   * numbered by their first members.
   */
  static int[] clusters(double[][] distances, int count) {
    int n = distances.length;
    double[][] d = new double[n][];
    for (int i = 0; i < n; i++) {
      d[i] = distances[i].clone();
    }
    int[] cluster = IntStream.range(0, n).toArray();
    int[] size = new int[n];
    Arrays.fill(size, 1);
    for (int left = n; left > count; left--) {
      int[] nearest = nearest(d, size);
      join(d, size, cluster, nearest[0], nearest[1]);
    }
    int[] names = Arrays.stream(cluster).distinct().toArray();
    return Arrays.stream(cluster)
        .map(c -> IntStream.range(0, names.length).filter(i -> names[i] == c).findFirst().orElse(0))
        .toArray();
  }

  private static int[] nearest(double[][] d, int[] size) {
    int[] found = {-1, -1};
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < d.length; i++) {
      for (int j = i + 1; j < d.length; j++) {
        if (size[i] > 0 && size[j] > 0 && (found[0] < 0 || d[i][j] < least)) {
          least = d[i][j];
          found[0] = i;
          found[1] = j;
        }
      }
    }
    return found;
  }

  /** Makes {@code b} part of {@code a}. */
  private static void join(double[][] d, int[] size, int[] cluster, int a, int b) {
    for (int v = 0; v < d.length; v++) {
      if (v != a && v != b && size[v] > 0) {
        double all = size[a] + size[b] + size[v];
        double squared =
            ((size[v] + size[a]) * d[v][a] * d[v][a]
                    + (size[v] + size[b]) * d[v][b] * d[v][b]
                    - size[v] * d[a][b] * d[a][b])
                / all;
        d[v][a] = Math.sqrt(Math.max(0, squared));
        d[a][v] = d[v][a];
      }
    }
    size[a] += size[b];
    size[b] = 0;
    for (int i = 0; i < cluster.length; i++) {
      cluster[i] = cluster[i] == b ? a : cluster[i];
    }
  }

  /**
   * The parent of each node in the spanning arborescence of least cost, whichever its root
   * (Edmonds); −1 for the root.
   *
   * @param cost of an edge from the row's node to the column's
   */
  static int[] arborescence(double[][] cost) {
    int n = cost.length;
    double total = 1;
    for (double[] row : cost) {
      for (double c : row) {
        total += Math.abs(c);
      }
    }
    // A root above all, from which an edge costs more than any tree has: one such edge is taken.
    List<Arc> arcs = new ArrayList<>();
    for (int child = 0; child < n; child++) {
      arcs.add(new Arc(n, child, total, null));
      for (int parent = 0; parent < n; parent++) {
        if (parent != child) {
          arcs.add(new Arc(parent, child, cost[parent][child], null));
        }
      }
    }
    int[] parents = new int[n];
    for (Arc arc : solve(n + 1, n, arcs)) {
      parents[arc.to()] = arc.from() == n ? -1 : arc.from();
    }
    return parents;
  }

  /** An edge; {@code of} is the one that it stands for in the graph that was contracted. */
  private record Arc(int from, int to, double cost, @Nullable Arc of) {}

  /** Contracts a cycle of cheapest edges, solves what is left, and opens the cycle again. */
  private static List<Arc> solve(int nodes, int root, List<Arc> arcs) {
    Arc[] cheapest = new Arc[nodes];
    for (Arc arc : arcs) {
      if (arc.to() != root
          && arc.from() != arc.to()
          && (cheapest[arc.to()] == null || arc.cost() < cheapest[arc.to()].cost())) {
        cheapest[arc.to()] = arc;
      }
    }
    boolean[] inCycle = cycle(nodes, root, cheapest);
    List<Arc> chosen = new ArrayList<>();
    if (inCycle.length == 0) {
      for (int v = 0; v < nodes; v++) {
        if (v != root && cheapest[v] != null) {
          chosen.add(cheapest[v]);
        }
      }
      return chosen;
    }
    int[] names = new int[nodes];
    int next = 0;
    for (int v = 0; v < nodes; v++) {
      names[v] = inCycle[v] ? -1 : next++;
    }
    int supernode = next;
    for (int v = 0; v < nodes; v++) {
      names[v] = inCycle[v] ? supernode : names[v];
    }
    List<Arc> contracted = new ArrayList<>();
    for (Arc arc : arcs) {
      if (names[arc.from()] != names[arc.to()]) {
        double saved = inCycle[arc.to()] ? cheapest[arc.to()].cost() : 0;
        contracted.add(new Arc(names[arc.from()], names[arc.to()], arc.cost() - saved, arc));
      }
    }
    int entered = -1;
    for (Arc arc : solve(supernode + 1, names[root], contracted)) {
      Arc original = arc.of();
      if (original != null) {
        chosen.add(original);
        entered = inCycle[original.to()] ? original.to() : entered;
      }
    }
    for (int v = 0; v < nodes; v++) {
      if (inCycle[v] && v != entered) {
        chosen.add(cheapest[v]);
      }
    }
    return chosen;
  }

  /** The nodes of a cycle of these edges; none if there is no cycle. */
  private static boolean[] cycle(int nodes, int root, Arc[] into) {
    for (int start = 0; start < nodes; start++) {
      boolean[] seen = new boolean[nodes];
      int v = start;
      while (v != root && into[v] != null && !seen[v]) {
        seen[v] = true;
        v = into[v].from();
      }
      if (v != root && into[v] != null) {
        boolean[] found = new boolean[nodes];
        for (int u = v; !found[u]; u = into[u].from()) {
          found[u] = true;
        }
        return found;
      }
    }
    return new boolean[0];
  }
}
