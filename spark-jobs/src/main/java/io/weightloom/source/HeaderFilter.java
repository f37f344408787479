package io.weightloom.source;

import io.weightloom.source.BlockColumn.Needs;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.connector.expressions.Literal;
import org.apache.spark.sql.connector.expressions.NamedReference;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** A filter of a query that headers answer, in SQL's logic of three values. Immutable. */
sealed interface HeaderFilter extends Serializable {

  /** What a filter says of a row, or of all rows of a tensor. */
  enum Truth {
    FALSE,
    NULL,
    TRUE,
    /** One way for some of the rows, and another for others. */
    OPEN;

    Truth not() {
      return this == TRUE ? FALSE : this == FALSE ? TRUE : this;
    }

    static Truth of(boolean value) {
      return value ? TRUE : FALSE;
    }

    /** Whether no row passes. */
    boolean excludes() {
      return this == FALSE || this == NULL;
    }
  }

  /** What is known of a row, or of several rows at once. */
  interface Facts {
    /** Whether a column has one value in all the rows. */
    boolean knows(BlockColumn column);

    /** That value, as Spark has it inside. */
    @Nullable Object value(BlockColumn column);
  }

  /** Whether the rows pass. */
  Truth test(Facts rows);

  /** All of these. */
  static HeaderFilter all(List<HeaderFilter> parts) {
    return new Junction(true, parts);
  }

  /** The filter of a predicate; empty if headers do not answer it. */
  static Optional<HeaderFilter> of(Predicate predicate, Map<String, BlockColumn> columns) {
    Expression[] children = predicate.children();
    return switch (predicate.name()) {
      case "ALWAYS_TRUE" -> Optional.of(new Junction(true, List.of()));
      case "ALWAYS_FALSE" -> Optional.of(new Junction(false, List.of()));
      case "AND" -> junction(true, children, columns);
      case "OR" -> junction(false, children, columns);
      case "NOT" ->
          children[0] instanceof Predicate p
              ? of(p, columns).<HeaderFilter>map(Not::new)
              : Optional.empty();
      case "IS_NULL" -> column(children[0], columns).<HeaderFilter>map(IsNull::new);
      case "IS_NOT_NULL" -> column(children[0], columns).map(c -> new Not(new IsNull(c)));
      case "IN" -> in(children, columns);
      default ->
          Comparison.of(predicate.name())
              .filter(c -> children.length == 2)
              .flatMap(c -> comparison(c, children, columns));
    };
  }

  private static Optional<HeaderFilter> junction(
      boolean all, Expression[] children, Map<String, BlockColumn> columns) {
    List<HeaderFilter> parts = new ArrayList<>();
    for (Expression child : children) {
      Optional<HeaderFilter> part =
          child instanceof Predicate p ? of(p, columns) : Optional.empty();
      if (part.isEmpty()) {
        return Optional.empty();
      }
      parts.add(part.get());
    }
    return Optional.of(new Junction(all, parts));
  }

  private static Optional<HeaderFilter> comparison(
      Comparison comparison, Expression[] children, Map<String, BlockColumn> columns) {
    if (children[0] instanceof Literal<?>) {
      return comparison
          .mirrored()
          .flatMap(m -> comparison(m, new Expression[] {children[1], children[0]}, columns));
    }
    return column(children[0], columns)
        .filter(c -> isValueOf(children[1], c))
        .map(c -> new Compare(comparison, c, value(children[1])));
  }

  private static Optional<HeaderFilter> in(
      Expression[] children, Map<String, BlockColumn> columns) {
    List<Expression> values = Arrays.asList(children).subList(1, children.length);
    return column(children[0], columns)
        .filter(c -> values.stream().allMatch(v -> isValueOf(v, c)))
        .map(
            c -> {
              List<HeaderFilter> parts = new ArrayList<>();
              values.forEach(v -> parts.add(new Compare(Comparison.EQUAL, c, value(v))));
              return new Junction(false, parts);
            });
  }

  private static Optional<BlockColumn> column(
      Expression expression, Map<String, BlockColumn> columns) {
    return expression instanceof NamedReference r && r.fieldNames().length == 1
        ? Optional.ofNullable(columns.get(r.fieldNames()[0]))
            .filter(c -> c.kind().needs() != Needs.DATA)
            .filter(c -> c.kind() != BlockColumn.Kind.SHAPE)
        : Optional.empty();
  }

  private static boolean isValueOf(Expression expression, BlockColumn column) {
    return expression instanceof Literal<?> literal
        && (literal.value() == null
            || literal.dataType().equals(column.kind().type())
            || literal.dataType().equals(DataTypes.NullType));
  }

  private static @Nullable Object value(Expression literal) {
    Object value = ((Literal<?>) literal).value();
    // Who makes a literal by Spark's public way keeps a string of Java's in it.
    return value instanceof String text ? UTF8String.fromString(text) : value;
  }

  /** What is asked of a column's value and a constant. */
  enum Comparison {
    EQUAL("="),
    UNEQUAL("<>"),
    SAME("<=>"),
    LESS("<"),
    LESS_OR_EQUAL("<="),
    GREATER(">"),
    GREATER_OR_EQUAL(">="),
    STARTS_WITH("STARTS_WITH"),
    ENDS_WITH("ENDS_WITH"),
    CONTAINS("CONTAINS");

    private final String symbol;

    Comparison(String symbol) {
      this.symbol = symbol;
    }

    static Optional<Comparison> of(String symbol) {
      return Arrays.stream(values()).filter(c -> c.symbol.equals(symbol)).findFirst();
    }

    /** The one that holds with both sides changed over. */
    Optional<Comparison> mirrored() {
      return switch (this) {
        case EQUAL, UNEQUAL, SAME -> Optional.of(this);
        case LESS -> Optional.of(GREATER);
        case LESS_OR_EQUAL -> Optional.of(GREATER_OR_EQUAL);
        case GREATER -> Optional.of(LESS);
        case GREATER_OR_EQUAL -> Optional.of(LESS_OR_EQUAL);
        case STARTS_WITH, ENDS_WITH, CONTAINS -> Optional.empty();
      };
    }

    boolean holds(Object value, Object constant) {
      return switch (this) {
        case EQUAL, SAME -> value.equals(constant);
        case UNEQUAL -> !value.equals(constant);
        case LESS -> order(value, constant) < 0;
        case LESS_OR_EQUAL -> order(value, constant) <= 0;
        case GREATER -> order(value, constant) > 0;
        case GREATER_OR_EQUAL -> order(value, constant) >= 0;
        case STARTS_WITH -> ((UTF8String) value).startsWith((UTF8String) constant);
        case ENDS_WITH -> ((UTF8String) value).endsWith((UTF8String) constant);
        case CONTAINS -> ((UTF8String) value).contains((UTF8String) constant);
      };
    }

    private static int order(Object value, Object constant) {
      return value instanceof UTF8String text
          ? text.compareTo((UTF8String) constant)
          : Long.compare(((Number) value).longValue(), ((Number) constant).longValue());
    }
  }

  /** A column's value against a constant. */
  record Compare(Comparison comparison, BlockColumn column, @Nullable Object constant)
      implements HeaderFilter {
    private static final long serialVersionUID = 1;

    @Override
    public Truth test(Facts rows) {
      if (constant == null && comparison != Comparison.SAME) {
        return Truth.NULL;
      }
      if (!rows.knows(column)) {
        return Truth.OPEN;
      }
      Object value = rows.value(column);
      if (value == null || constant == null) {
        return comparison == Comparison.SAME
            ? Truth.of(Objects.equals(value, constant))
            : Truth.NULL;
      }
      return Truth.of(comparison.holds(value, constant));
    }
  }

  /** Whether a column is null. */
  record IsNull(BlockColumn column) implements HeaderFilter {
    private static final long serialVersionUID = 1;

    @Override
    public Truth test(Facts rows) {
      return rows.knows(column) ? Truth.of(rows.value(column) == null) : Truth.OPEN;
    }
  }

  /** The contrary. */
  record Not(HeaderFilter filter) implements HeaderFilter {
    private static final long serialVersionUID = 1;

    @Override
    public Truth test(Facts rows) {
      return filter.test(rows).not();
    }
  }

  /** All of some filters, or any. */
  record Junction(boolean all, List<HeaderFilter> parts) implements HeaderFilter {
    private static final long serialVersionUID = 1;

    public Junction {
      parts = List.copyOf(parts);
    }

    @Override
    public Truth test(Facts rows) {
      Truth decisive = Truth.of(!all);
      Truth so = Truth.of(all);
      for (HeaderFilter part : parts) {
        Truth truth = part.test(rows);
        if (truth == decisive) {
          return decisive;
        }
        // What is still open may turn out decisive, what is null cannot.
        if (truth == Truth.OPEN || (truth == Truth.NULL && so != Truth.OPEN)) {
          so = truth;
        }
      }
      return so;
    }
  }
}
