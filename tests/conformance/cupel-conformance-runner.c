/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-conformance-private.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_FAILED 1
#define EXIT_USAGE  2

#define DEFAULT_STALL_MS 10
#define SCENARIO_SECONDS 60
/* What the library does to the loop it does every time; what a busy machine does comes and goes. */
#define STALL_ATTEMPTS   4

/* Microseconds between two turns for what draws an interface: a frame of a screen */
#define FRAME_LIMIT 16000

typedef struct
{
  const char *url;
  CupelCapabilities capabilities;
  char *catalogue;
} Probe;

typedef struct
{
  CupelConformanceScenario *scenario;
  CupelConformanceContext *context;
  gboolean done;
  gboolean late;
} Run;

typedef struct
{
  CupelConformanceFormat format;
  gboolean verbose;
  gint64 stall_limit;      /* microseconds; 0: only told */
  guint n_done;
  FILE *file;
} Runner;

void
cupel_conformance_result_free (CupelConformanceResult *result)
{
  g_free (result->reason);
  g_clear_pointer (&result->steps, g_ptr_array_unref);
  g_free (result);
}

void
cupel_conformance_column_free (CupelConformanceColumn *column)
{
  g_free (column->url);
  g_free (column->name);
  g_ptr_array_unref (column->results);
  g_free (column);
}

/* How the SQL of existing_tables starts, whatever is asked for: where that for two lists of names is alike. */
static char *
find_catalogue_prefix (CupelDialect *dialect)
{
  const char *const one[] = { "first", NULL };
  const char *const two[] = { "second", "third", NULL };
  g_autoptr(CupelCompiler) compiler = cupel_dialect_create_compiler (dialect);
  g_autoptr(CupelStatement) a = cupel_dialect_existing_tables (dialect, one);
  g_autoptr(CupelStatement) b = cupel_dialect_existing_tables (dialect, two);
  g_autoptr(CupelCompiled) left = cupel_compiler_compile (compiler, a, NULL);
  g_autoptr(CupelCompiled) right = cupel_compiler_compile (compiler, b, NULL);
  gsize length = 0;

  if (left == NULL || right == NULL)
    return g_strdup ("");
  while (left->sql[length] != '\0' && left->sql[length] == right->sql[length])
    length++;
  return g_strndup (left->sql, length);
}

static gboolean
probe_in_fiber (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Probe *probe = data;
  g_autoptr(CupelEngine) engine = cupel_engine_new (probe->url, error);
  g_autoptr(CupelConnection) connection = NULL;
  gboolean closed;

  if (engine == NULL || (connection = cupel_engine_connect (engine, cancellable, error)) == NULL)
    return FALSE;
  probe->capabilities = cupel_engine_get_capabilities (engine);
  probe->catalogue = find_catalogue_prefix (cupel_engine_get_dialect (engine));
  closed = cupel_connection_close (connection, cancellable, error);
  cupel_engine_dispose (engine, NULL, NULL);
  return closed;
}

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Run *run = data;
  g_autoptr(GError) local = NULL;

  if (!cupel_conformance_scenario_run (run->scenario, run->context, &local))
    cupel_conformance_check (run->context, "run", FALSE, "it could not go on: %s", local != NULL ? local->message : "no error told");
  cupel_conformance_context_finish (run->context);
  return TRUE;
}

static void
on_done (GObject      *source,
         GAsyncResult *result,
         gpointer      data)
{
  Run *run = data;

  cupel_run_finish (result, NULL);
  run->done = TRUE;
}

static gboolean
on_late (gpointer data)
{
  Run *run = data;

  run->late = TRUE;
  return G_SOURCE_REMOVE;
}

/* FALSE: it never came back, and what it left is still there. */
static gboolean
run_once (Runner                 *runner,
              const Probe            *probe,
              CupelConformanceResult *result)
{
  Run *run = g_new0 (Run, 1);
  g_autoptr(GMainContext) loop = g_main_context_new ();
  g_autoptr(GSource) timeout = g_timeout_source_new_seconds (SCENARIO_SECONDS);
  g_autoptr(CupelConformanceDatabase) database = NULL;
  g_autoptr(GError) error = NULL;
  gboolean failed = FALSE;
  gint64 begin;

  if ((database = cupel_conformance_database_new (probe->url, &error)) == NULL)
    {
      run->context = cupel_conformance_context_new (probe->url, probe->capabilities, probe->catalogue);
      cupel_conformance_check (run->context, "begin", FALSE, "no empty database could be made: %s", error->message);
      run->done = TRUE;
    }
  else
    {
      run->scenario = result->scenario;
      run->context = cupel_conformance_context_new (database->url, probe->capabilities, probe->catalogue);
      begin = g_get_monotonic_time ();
      g_main_context_push_thread_default (loop);
      g_source_set_callback (timeout, on_late, run, NULL);
      g_source_attach (timeout, loop);
      cupel_conformance_watchdog_start (loop);
      cupel_run_async (run_in_fiber, run, NULL, NULL, on_done, run);
      while (!run->done && !run->late)
        g_main_context_iteration (loop, TRUE);
      result->stall = cupel_conformance_watchdog_stop (loop, &result->frame);
      result->duration = g_get_monotonic_time () - begin;
      g_source_destroy (timeout);
      g_main_context_pop_thread_default (loop);

      if (!run->done)
        cupel_conformance_check (run->context, "end", FALSE, "it did not end within %d seconds", SCENARIO_SECONDS);
      if (runner->stall_limit > 0 && result->stall > runner->stall_limit)
        cupel_conformance_check (run->context, "loop", FALSE, "the main loop was kept for %.1f ms, each time; the limit is %.1f ms",
                                 result->stall / 1000.0, runner->stall_limit / 1000.0);
      else if (runner->stall_limit > 0 && result->frame > FRAME_LIMIT)
        cupel_conformance_check (run->context, "loop", FALSE, "the main loop had no turn for an interface for %.1f ms, each time; the limit is %.1f ms",
                                 result->frame / 1000.0, FRAME_LIMIT / 1000.0);
      if (run->done && !cupel_conformance_database_drop (database, &error))
        cupel_conformance_check (run->context, "end", FALSE, "removing its database failed: %s", error->message);
    }

  result->steps = g_ptr_array_ref (cupel_conformance_context_get_steps (run->context));
  for (guint i = 0; i < result->steps->len; i++)
    failed = failed || !((CupelConformanceStep *) result->steps->pdata[i])->passed;
  if (result->steps->len == 0)
    failed = !cupel_conformance_check (run->context, "end", FALSE, "it checked nothing");
  result->status = failed ? CUPEL_CONFORMANCE_FAILED : CUPEL_CONFORMANCE_PASSED;
  if (!run->done)
    return FALSE;    /* the fiber still uses @run */

  g_object_unref (run->context);
  g_free (run);
  return TRUE;
}

/* The same, again if nothing failed but the loop was kept too long: the shortest counts. */
static gboolean
run_scenario (Runner                 *runner,
              const Probe            *probe,
              CupelConformanceResult *result)
{
  for (guint i = 1; ; i++)
    {
      guint n_failed = 0;

      if (!run_once (runner, probe, result))
        return FALSE;
      for (guint s = 0; s < result->steps->len; s++)
        n_failed += !((CupelConformanceStep *) result->steps->pdata[s])->passed;
      if (n_failed != 1 || runner->stall_limit == 0 || i == STALL_ATTEMPTS ||
          (result->stall <= runner->stall_limit && result->frame <= FRAME_LIMIT))
        return TRUE;
      g_clear_pointer (&result->steps, g_ptr_array_unref);
    }
}

static void
emit (Runner  *runner,
      GString *text)
{
  fwrite (text->str, 1, text->len, runner->file);
  fflush (runner->file);
  g_string_truncate (text, 0);
}

static void
fail_result (CupelConformanceResult *result,
             const char             *url,
             const char             *message)
{
  g_autoptr(CupelConformanceContext) context = cupel_conformance_context_new (url, CUPEL_CAP_NONE, "");

  cupel_conformance_check (context, "begin", FALSE, "%s", message);
  result->status = CUPEL_CONFORMANCE_FAILED;
  result->steps = g_ptr_array_ref (cupel_conformance_context_get_steps (context));
}

static CupelConformanceColumn *
run_column (Runner     *runner,
            const char *url,
            GPtrArray  *scenarios)
{
  CupelConformanceColumn *column = g_new0 (CupelConformanceColumn, 1);
  g_autoptr(CupelUrl) parsed = cupel_url_new (url, NULL);
  g_autoptr(GString) text = g_string_new (NULL);
  g_autoptr(GError) error = NULL;
  Probe probe = { url, CUPEL_CAP_NONE, NULL };

  /* What cannot be parsed may show its password. */
  column->url = parsed != NULL ? cupel_url_to_string (parsed) : g_strdup ("(not a URL)");
  column->results = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_conformance_result_free);
  if (parsed == NULL)
    column->name = g_strdup ("?");
  else if (g_str_equal (cupel_url_get_dialect (parsed), "sqlite"))
    column->name = g_strdup (cupel_url_get_database (parsed) == NULL || *cupel_url_get_database (parsed) == '\0' ? "sqlite memory"
                                                                                                                 : "sqlite file");
  else
    column->name = g_strconcat (cupel_url_get_dialect (parsed), cupel_url_get_driver (parsed) != NULL ? "+" : NULL,
                                cupel_url_get_driver (parsed), NULL);

  cupel_run (probe_in_fiber, &probe, NULL, &error);

  for (guint i = 0; i < scenarios->len; i++)
    {
      CupelConformanceResult *result = g_new0 (CupelConformanceResult, 1);
      CupelCapabilities missing;

      result->scenario = scenarios->pdata[i];
      missing = cupel_conformance_scenario_get_required (result->scenario) & ~probe.capabilities;
      if (error != NULL)
        fail_result (result, url, error->message);
      else if (missing != CUPEL_CAP_NONE)
        {
          g_autofree char *names = cupel_conformance_capability_names (missing);

          result->status = CUPEL_CONFORMANCE_SKIPPED;
          result->reason = g_strdup_printf ("the database does not claim: %s", names);
        }
      else if (!run_scenario (runner, &probe, result))
        g_set_error (&error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT, "not run, because %s never ended",
                     cupel_conformance_scenario_get_name (result->scenario));

      if (result->stall > column->stall)
        {
          column->stall = result->stall;
          column->stall_scenario = cupel_conformance_scenario_get_name (result->scenario);
        }
      column->frame = MAX (column->frame, result->frame);
      g_ptr_array_add (column->results, result);
      runner->n_done++;
      cupel_conformance_report_result (runner->format, column, result, runner->n_done, runner->verbose, text);
      emit (runner, text);
    }
  g_free (probe.catalogue);
  return column;
}

static gint64
find_stall_limit (void)
{
  const char *text = g_getenv ("CUPEL_CONFORMANCE_STALL_MS");
  const char *preload = g_getenv ("LD_PRELOAD");

  if (text != NULL)
    return (gint64) (g_ascii_strtod (text, NULL) * 1000);
#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
  return 0;
#endif
#ifdef __has_feature
# if __has_feature (address_sanitizer) || __has_feature (thread_sanitizer)
  return 0;
# endif
#endif
  /* valgrind */
  return preload != NULL && strstr (preload, "vgpreload") != NULL ? 0 : DEFAULT_STALL_MS * 1000;
}

static gboolean
choose (char      **names,
        GPtrArray  *chosen)
{
  GPtrArray *all = cupel_conformance_get_scenarios ();

  if (names == NULL)
    {
      for (guint i = 0; i < all->len; i++)
        g_ptr_array_add (chosen, all->pdata[i]);
      return TRUE;
    }
  for (guint n = 0; names[n] != NULL; n++)
    {
      guint before = chosen->len;

      for (guint i = 0; i < all->len; i++)
        if (g_pattern_match_simple (names[n], cupel_conformance_scenario_get_name (all->pdata[i])) &&
            !g_ptr_array_find (chosen, all->pdata[i], NULL))
          g_ptr_array_add (chosen, all->pdata[i]);
      if (chosen->len == before)
        {
          g_printerr ("cupel-conformance: no scenario \"%s\"; --list tells them\n", names[n]);
          return FALSE;
        }
    }
  return TRUE;
}

static int
run_all (Runner     *runner,
         char      **urls,
         GPtrArray  *scenarios)
{
  g_autoptr(GPtrArray) columns = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_conformance_column_free);
  g_autoptr(GString) text = g_string_new (NULL);
  int status = EXIT_SUCCESS;

  cupel_conformance_report_begin (runner->format, g_strv_length (urls) * scenarios->len, text);
  emit (runner, text);
  for (guint i = 0; urls[i] != NULL; i++)
    {
      CupelConformanceColumn *column = run_column (runner, urls[i], scenarios);

      g_ptr_array_add (columns, column);
      for (guint r = 0; r < column->results->len; r++)
        if (((CupelConformanceResult *) column->results->pdata[r])->status == CUPEL_CONFORMANCE_FAILED)
          status = EXIT_FAILED;
    }
  cupel_conformance_report_end (runner->format, columns, runner->verbose,
                                isatty (fileno (runner->file)) && g_getenv ("NO_COLOR") == NULL && g_getenv ("CI") == NULL, text);
  emit (runner, text);
  return status;
}

static char **
default_urls (char **folder)
{
  const char *urls = g_getenv ("CUPEL_TEST_URLS");
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  g_auto(GStrv) parts = g_strsplit (urls != NULL ? urls : "", " ", -1);
  char **list;

  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0')
      g_strv_builder_add (builder, parts[i]);
  list = g_strv_builder_end (builder);
  if (list[0] == NULL && (*folder = g_dir_make_tmp ("cupel-conformance-XXXXXX", NULL)) != NULL)
    {
      g_autofree char *url = g_strdup_printf ("sqlite:///%s/conformance.db", *folder);

      g_strfreev (list);
      list = g_strdupv ((char *[]) { (char *) "sqlite://", url, NULL });
    }
  return list;
}

/* "mysql://..." as "mysql+dbi://...", whatever driver it names. */
static void
choose_driver (char       **urls,
               const char  *driver)
{
  for (guint i = 0; urls[i] != NULL; i++)
    {
      g_autofree char *url = urls[i];
      const char *rest = strstr (url, "://");

      urls[i] = rest != NULL ? g_strdup_printf ("%.*s+%s%s", (int) MIN (strcspn (url, "+"), (gsize) (rest - url)), url, driver, rest)
                             : g_strdup (url);
    }
}

/**
 * cupel_conformance_main:
 *
 * The program cupel-conformance, with every scenario that is registered.
 *
 * Returns: the exit status: 0, 1 for a failure, 2 for a wrong use
 */
int
cupel_conformance_main (int    argc,
                        char **argv)
{
  static const char *const formats[] = { "matrix", "tap", "junit", "html" };
  g_auto(GStrv) urls = NULL;
  g_autofree char *driver = NULL;
  g_auto(GStrv) names = NULL;
  g_autofree char *format = NULL;
  g_autofree char *path = NULL;
  g_autofree char *folder = NULL;
  gboolean list = FALSE;
  Runner runner = { .format = CUPEL_CONFORMANCE_MATRIX, .file = stdout };
  const GOptionEntry entries[] = {
    { "url", 'u', 0, G_OPTION_ARG_STRING_ARRAY, &urls, "A database; may be given more than once", "URL" },
    { "driver", 'd', 0, G_OPTION_ARG_STRING, &driver, "Through this driver instead of those that the URLs name", "NAME" },
    { "scenario", 's', 0, G_OPTION_ARG_STRING_ARRAY, &names, "Only this one, or those that match; may be given more than once", "NAME" },
    { "list", 'l', 0, G_OPTION_ARG_NONE, &list, "List the scenarios", NULL },
    { "format", 'f', 0, G_OPTION_ARG_STRING, &format, "matrix, tap, junit or html", "FORMAT" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &path, "Write there instead of to the standard output", "FILE" },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &runner.verbose, "Show the steps of what passed too", NULL },
    { NULL }
  };
  g_autoptr(GOptionContext) options = g_option_context_new ("- the same scenarios on every database");
  g_autoptr(GPtrArray) scenarios = g_ptr_array_new ();
  g_autoptr(GError) error = NULL;
  guint i;
  int status;

  setlocale (LC_CTYPE, "");
  g_option_context_add_main_entries (options, entries, NULL);
  g_option_context_set_description (options, "Without --url: those in CUPEL_TEST_URLS, else SQLite in memory and in a file.\n"
                                             "CUPEL_CONFORMANCE_STALL_MS: how long the main loop may be kept (10; 0: only told).\n");
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("cupel-conformance: %s\n", error->message);
      return EXIT_USAGE;
    }
  if (argc > 1)
    {
      g_printerr ("cupel-conformance: \"%s\" is not an option; a database is given with --url\n", argv[1]);
      return EXIT_USAGE;
    }
  for (i = 0; format != NULL && i < G_N_ELEMENTS (formats) && strcmp (format, formats[i]) != 0; i++)
    ;
  if (i == G_N_ELEMENTS (formats))
    {
      g_printerr ("cupel-conformance: --format is matrix, tap, junit or html, not \"%s\"\n", format);
      return EXIT_USAGE;
    }
  if (format != NULL)
    runner.format = (CupelConformanceFormat) i;
  if (!choose (names, scenarios))
    return EXIT_USAGE;

  if (list)
    {
      for (i = 0; i < scenarios->len; i++)
        {
          g_autofree char *needs = cupel_conformance_capability_names (cupel_conformance_scenario_get_required (scenarios->pdata[i]));

          g_print ("%-28s %s%s%s%s\n", cupel_conformance_scenario_get_name (scenarios->pdata[i]),
                   cupel_conformance_scenario_get_description (scenarios->pdata[i]),
                   *needs != '\0' ? " (needs " : "", needs, *needs != '\0' ? ")" : "");
        }
      return EXIT_SUCCESS;
    }

  if (path != NULL && (runner.file = fopen (path, "we")) == NULL)
    {
      g_printerr ("cupel-conformance: %s: %s\n", path, g_strerror (errno));
      return EXIT_USAGE;
    }
  runner.stall_limit = find_stall_limit ();
  if (urls == NULL)
    urls = default_urls (&folder);
  if (driver != NULL)
    choose_driver (urls, driver);
  status = run_all (&runner, urls, scenarios);
  if (folder != NULL)
    rmdir (folder);
  if (path != NULL && fclose (runner.file) != 0)
    {
      g_printerr ("cupel-conformance: %s: %s\n", path, g_strerror (errno));
      return EXIT_FAILED;
    }
  return status;
}
