package io.weightloom.examples.zoo;

/** Digits, letters and blocks as small bitmaps. */
final class Glyphs {

  private static final String[] DIGITS = {
    "0E11131519110E", "040C040404040E", "0E11010204081F", "1F02040201110E", "02060A121F0202",
    "1F101E0101110E", "0608101E11110E", "1F010204080808", "0E11110E11110E", "0E11110F01020C",
  };

  private static final String[] LETTERS = {
    "0E11111F111111", "1E11111E11111E", "0E11101010110E", "1C12111111121C", "1F10101E10101F",
    "1F10101E101010", "0E11101711110F", "1111111F111111", "0E04040404040E", "0702020202120C",
    "11121418141211", "1010101010101F", "111B1515111111", "11111915131111", "0E11111111110E",
    "1E11111E101010", "0E11111115120D", "1E11111E141211", "0F10100E01011E", "1F040404040404",
    "1111111111110E", "11111111110A04", "1111111515150A", "11110A040A1111", "1111110A040404",
    "1F01020408101F",
  };

  private static final String[][] BLOCKS = {
    {"####"},
    {"##", "##"},
    {"###", ".#."},
    {".##", "##."},
    {"##.", ".##"},
    {"#..", "###"},
    {"..#", "###"},
  };

  private Glyphs() {}

  static int blockCount() {
    return BLOCKS.length;
  }

  static Figure digit(int label) {
    return Figure.bitmap(rows(DIGITS[label]), 0.6, 0.84);
  }

  static Figure letter(int label) {
    return Figure.bitmap(rows(LETTERS[label]), 0.6, 0.84);
  }

  /** A tetromino in one of its four rotations. */
  static Figure block(int label, int quarterTurns) {
    String[] rows = BLOCKS[label];
    double cell = 0.22;
    Figure upright = Figure.bitmap(rows, cell * rows[0].length(), cell * rows.length);
    return switch (quarterTurns) {
      case 0 -> upright;
      case 1 -> (u, v) -> upright.at(v, -u);
      case 2 -> (u, v) -> upright.at(-u, -v);
      default -> (u, v) -> upright.at(-v, u);
    };
  }

  /** Seven rows of five pixels, two hexadecimal digits a row. */
  private static String[] rows(String hex) {
    String[] rows = new String[7];
    for (int y = 0; y < 7; y++) {
      int bits = Integer.parseInt(hex.substring(2 * y, 2 * y + 2), 16);
      StringBuilder row = new StringBuilder();
      for (int x = 4; x >= 0; x--) {
        row.append((bits >> x & 1) == 1 ? '#' : '.');
      }
      rows[y] = row.toString();
    }
    return rows;
  }
}
