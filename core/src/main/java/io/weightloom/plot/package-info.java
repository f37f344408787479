/** Pictures of results as SVG: heatmaps, lines and bars. Needs no fonts and no display. */
@NullMarked
package io.weightloom.plot;

import org.jspecify.annotations.NullMarked;
