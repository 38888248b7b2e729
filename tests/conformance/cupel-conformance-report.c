/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-conformance-private.h"

static const char *const words[] = { "passed", "FAILED", "skipped" };

static void
append_steps (GString                      *output,
              const CupelConformanceResult *result,
              const char                   *prefix,
              gboolean                      verbose)
{
  for (guint i = 0; result->steps != NULL && i < result->steps->len; i++)
    {
      const CupelConformanceStep *step = result->steps->pdata[i];
      g_auto(GStrv) lines = g_strsplit (step->text, "\n", -1);
      g_autofree char *text = g_strjoinv (" ", lines);

      if (verbose || !step->passed)
        g_string_append_printf (output, "%s%-6s %-5s %s\n", prefix, step->passed ? "ok" : "NOT OK", step->step, text);
    }
}

static void
append_escaped (GString    *output,
                const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *escaped = g_markup_escape_text (valid, -1);

  g_string_append (output, escaped);
}

void
cupel_conformance_report_begin (CupelConformanceFormat  format,
                                guint                   n_tests,
                                GString                *output)
{
  if (format == CUPEL_CONFORMANCE_TAP)
    g_string_append_printf (output, "TAP version 13\n1..%u\n", n_tests);
}

void
cupel_conformance_report_result (CupelConformanceFormat        format,
                                 const CupelConformanceColumn *column,
                                 const CupelConformanceResult *result,
                                 guint                         number,
                                 gboolean                      verbose,
                                 GString                      *output)
{
  if (format != CUPEL_CONFORMANCE_TAP)
    return;
  append_steps (output, result, "# ", verbose);
  g_string_append_printf (output, "%sok %u - %s on %s", result->status == CUPEL_CONFORMANCE_FAILED ? "not " : "", number,
                          cupel_conformance_scenario_get_name (result->scenario), column->name);
  if (result->reason != NULL)
    g_string_append_printf (output, " # SKIP %s", result->reason);
  g_string_append_c (output, '\n');
}

static void
count (const CupelConformanceColumn *column,
       guint                         counts[3])
{
  counts[0] = counts[1] = counts[2] = 0;
  for (guint i = 0; i < column->results->len; i++)
    counts[((CupelConformanceResult *) column->results->pdata[i])->status]++;
}

static void
append_stalls (GString    *output,
               GPtrArray  *columns,
               const char *prefix)
{
  for (guint c = 0; c < columns->len; c++)
    {
      const CupelConformanceColumn *column = columns->pdata[c];

      g_string_append_printf (output, "%s%s: the main loop was kept for %.1f ms at most%s%s; %.1f ms passed without a turn for an interface to be drawn\n",
                              prefix, column->name, column->stall / 1000.0, column->stall_scenario != NULL ? ", in " : "",
                              column->stall_scenario != NULL ? column->stall_scenario : "", column->frame / 1000.0);
    }
}

static void
append_matrix (GString   *output,
               GPtrArray *columns,
               gboolean   verbose,
               gboolean   colour)
{
  static const char *const colours[] = { "\033[32m", "\033[1;31m", "\033[33m" };
  const CupelConformanceColumn *first = columns->len > 0 ? columns->pdata[0] : NULL;
  int width = strlen ("scenario");

  if (first == NULL)
    return;
  for (guint r = 0; r < first->results->len; r++)
    width = MAX (width, (int) strlen (cupel_conformance_scenario_get_name (((CupelConformanceResult *) first->results->pdata[r])->scenario)));

  g_string_append_printf (output, "%-*s", width, "scenario");
  for (guint c = 0; c < columns->len; c++)
    g_string_append_printf (output, "  %-13s", ((CupelConformanceColumn *) columns->pdata[c])->name);
  g_string_append_c (output, '\n');
  for (guint r = 0; r < first->results->len; r++)
    {
      g_string_append_printf (output, "%-*s", width,
                              cupel_conformance_scenario_get_name (((CupelConformanceResult *) first->results->pdata[r])->scenario));
      for (guint c = 0; c < columns->len; c++)
        {
          const CupelConformanceColumn *column = columns->pdata[c];
          const CupelConformanceResult *result = column->results->pdata[r];
          int column_width = MAX (13, (int) strlen (column->name));

          g_string_append_printf (output, "  %s%-*s%s", colour ? colours[result->status] : "", column_width, words[result->status],
                                  colour ? "\033[0m" : "");
        }
      g_string_append_c (output, '\n');
    }
  g_string_append_c (output, '\n');
  for (guint c = 0; c < columns->len; c++)
    {
      const CupelConformanceColumn *column = columns->pdata[c];
      guint counts[3];

      count (column, counts);
      g_string_append_printf (output, "%s: %u passed, %u failed, %u skipped (%s)\n", column->name, counts[0], counts[1], counts[2],
                              column->url);
    }
  append_stalls (output, columns, "");
  for (guint c = 0; c < columns->len; c++)
    {
      const CupelConformanceColumn *column = columns->pdata[c];

      for (guint r = 0; r < column->results->len; r++)
        {
          const CupelConformanceResult *result = column->results->pdata[r];

          if (result->status == CUPEL_CONFORMANCE_PASSED && !verbose)
            continue;
          g_string_append_printf (output, "\n%s on %s: %s%s%s (%.1f ms)\n", cupel_conformance_scenario_get_name (result->scenario),
                                  column->name, words[result->status], result->reason != NULL ? ": " : "",
                                  result->reason != NULL ? result->reason : "", result->duration / 1000.0);
          append_steps (output, result, "  ", verbose);
        }
    }
}

static void
append_junit (GString   *output,
              GPtrArray *columns)
{
  g_string_append (output, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"cupel-conformance\">\n");
  for (guint c = 0; c < columns->len; c++)
    {
      const CupelConformanceColumn *column = columns->pdata[c];
      guint counts[3];

      count (column, counts);
      g_string_append (output, "  <testsuite name=\"");
      append_escaped (output, column->url);
      g_string_append_printf (output, "\" tests=\"%u\" failures=\"%u\" skipped=\"%u\" errors=\"0\">\n", column->results->len,
                              counts[1], counts[2]);
      for (guint r = 0; r < column->results->len; r++)
        {
          const CupelConformanceResult *result = column->results->pdata[r];
          char seconds[G_ASCII_DTOSTR_BUF_SIZE];

          g_ascii_formatd (seconds, sizeof seconds, "%.6f", result->duration / 1e6);
          g_string_append (output, "    <testcase classname=\"");
          append_escaped (output, column->name);
          g_string_append (output, "\" name=\"");
          append_escaped (output, cupel_conformance_scenario_get_name (result->scenario));
          g_string_append_printf (output, "\" time=\"%s\">", seconds);
          if (result->reason != NULL)
            {
              g_string_append (output, "<skipped message=\"");
              append_escaped (output, result->reason);
              g_string_append (output, "\"/>");
            }
          else if (result->status == CUPEL_CONFORMANCE_FAILED)
            {
              g_autoptr(GString) steps = g_string_new (NULL);

              append_steps (steps, result, "", FALSE);
              g_string_append (output, "<failure message=\"a check does not hold\">");
              append_escaped (output, steps->str);
              g_string_append (output, "</failure>");
            }
          g_string_append (output, "</testcase>\n");
        }
      g_string_append (output, "  </testsuite>\n");
    }
  g_string_append (output, "</testsuites>\n");
}

static void
append_html (GString   *output,
             GPtrArray *columns)
{
  static const char *const classes[] = { "passed", "failed", "skipped" };
  const CupelConformanceColumn *first = columns->len > 0 ? columns->pdata[0] : NULL;
  g_autoptr(GString) stalls = g_string_new (NULL);

  g_string_append (output,
                   "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Cupel conformance</title>\n<style>"
                   "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #bbb;"
                   "padding:.3em .6em;text-align:left;vertical-align:top}.passed{background:#dfd}.failed{background:#fbb}"
                   ".skipped{background:#ffc}pre{white-space:pre-wrap;margin:.3em 0}</style></head>\n"
                   "<body><h1>Cupel conformance</h1>\n<table><tr><th>scenario</th>");
  for (guint c = 0; c < columns->len; c++)
    {
      g_string_append (output, "<th>");
      append_escaped (output, ((CupelConformanceColumn *) columns->pdata[c])->url);
      g_string_append (output, "</th>");
    }
  g_string_append (output, "</tr>\n");
  for (guint r = 0; first != NULL && r < first->results->len; r++)
    {
      CupelConformanceScenario *scenario = ((CupelConformanceResult *) first->results->pdata[r])->scenario;

      g_string_append (output, "<tr><th>");
      append_escaped (output, cupel_conformance_scenario_get_name (scenario));
      g_string_append (output, "<br><small>");
      append_escaped (output, cupel_conformance_scenario_get_description (scenario));
      g_string_append (output, "</small></th>");
      for (guint c = 0; c < columns->len; c++)
        {
          const CupelConformanceColumn *column = columns->pdata[c];
          const CupelConformanceResult *result = column->results->pdata[r];
          g_autoptr(GString) steps = g_string_new (NULL);

          append_steps (steps, result, "", TRUE);
          g_string_append_printf (output, "<td class=\"%s\"><details%s><summary>%s</summary><pre>", classes[result->status],
                                  result->status == CUPEL_CONFORMANCE_FAILED ? " open" : "", words[result->status]);
          append_escaped (output, result->reason != NULL ? result->reason : steps->str);
          g_string_append (output, "</pre></details></td>");
        }
      g_string_append (output, "</tr>\n");
    }
  g_string_append (output, "</table>\n<pre>");
  append_stalls (stalls, columns, "");
  append_escaped (output, stalls->str);
  g_string_append (output, "</pre></body></html>\n");
}

void
cupel_conformance_report_end (CupelConformanceFormat  format,
                              GPtrArray              *columns,
                              gboolean                verbose,
                              gboolean                colour,
                              GString                *output)
{
  switch (format)
    {
    case CUPEL_CONFORMANCE_MATRIX:
      append_matrix (output, columns, verbose, colour);
      break;
    case CUPEL_CONFORMANCE_TAP:
      append_stalls (output, columns, "# ");
      break;
    case CUPEL_CONFORMANCE_JUNIT:
      append_junit (output, columns);
      break;
    case CUPEL_CONFORMANCE_HTML:
      append_html (output, columns);
      break;
    default:
      g_assert_not_reached ();
    }
}
