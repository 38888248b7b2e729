/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-conformance-private.h"

struct _CupelConformanceContext
{
  GObject parent_instance;
  char *url;
  char *catalogue;         /* how a question to the catalogue starts */
  CupelCapabilities capabilities;
  GPtrArray *engines;
  GPtrArray *metadata;
  GPtrArray *steps;
  CupelConformanceCounts counts;
  CupelConformanceCounts before;
  char *last_sql;
};

G_DEFINE_FINAL_TYPE (CupelConformanceContext, cupel_conformance_context, G_TYPE_OBJECT)

static void
step_free (gpointer data)
{
  CupelConformanceStep *step = data;

  g_free (step->step);
  g_free (step->text);
  g_free (step);
}

static void
on_execute (CupelEngine             *engine,
            const char              *sql,
            guint                    n_sets,
            gboolean                 cache_hit,
            gint64                   duration,
            const GError            *failure,
            CupelConformanceContext *self)
{
  const struct
  {
    const char *word;
    guint *count;
  } kinds[] = {
    { "CREATE", &self->counts.creates },
    { "DROP", &self->counts.drops },
    { "INSERT", &self->counts.inserts },
    { "UPDATE", &self->counts.updates },
    { "DELETE", &self->counts.deletes },
    { "SELECT", &self->counts.selects },
  };
  guint *count = &self->counts.others;

  if (g_str_has_prefix (sql, self->catalogue))
    return;

  while (g_ascii_isspace (*sql))
    sql++;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      gsize length = strlen (kinds[i].word);

      if (g_ascii_strncasecmp (sql, kinds[i].word, length) == 0 && !g_ascii_isalnum (sql[length]))
        count = kinds[i].count;
    }
  ++*count;
  if (cache_hit)
    self->counts.cache_hits++;
  if (n_sets > 1)
    self->counts.many++;
  g_free (self->last_sql);
  self->last_sql = g_strdup (sql);
}

#define DEFINE_COUNTER(signal, member)               \
static void                                          \
on_##signal (CupelEngine             *engine,        \
             CupelConformanceContext *self)          \
{                                                    \
  self->counts.member++;                             \
}

DEFINE_COUNTER (begin, begins)
DEFINE_COUNTER (commit, commits)
DEFINE_COUNTER (rollback, rollbacks)
DEFINE_COUNTER (connect, connects)
DEFINE_COUNTER (checkout, checkouts)

static void
cupel_conformance_context_finalize (GObject *object)
{
  CupelConformanceContext *self = CUPEL_CONFORMANCE_CONTEXT (object);

  for (guint i = 0; i < self->engines->len; i++)
    g_signal_handlers_disconnect_by_data (self->engines->pdata[i], self);
  g_ptr_array_unref (self->engines);
  g_ptr_array_unref (self->metadata);
  g_ptr_array_unref (self->steps);
  g_free (self->url);
  g_free (self->catalogue);
  g_free (self->last_sql);
  G_OBJECT_CLASS (cupel_conformance_context_parent_class)->finalize (object);
}

static void
cupel_conformance_context_class_init (CupelConformanceContextClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_conformance_context_finalize;
}

static void
cupel_conformance_context_init (CupelConformanceContext *self)
{
  self->engines = g_ptr_array_new_with_free_func (g_object_unref);
  self->metadata = g_ptr_array_new_with_free_func (g_object_unref);
  self->steps = g_ptr_array_new_with_free_func (step_free);
}

CupelConformanceContext *
cupel_conformance_context_new (const char        *url,
                               CupelCapabilities  capabilities,
                               const char        *catalogue)
{
  CupelConformanceContext *self = g_object_new (CUPEL_TYPE_CONFORMANCE_CONTEXT, NULL);

  self->url = g_strdup (url);
  self->capabilities = capabilities;
  self->catalogue = g_strdup (catalogue);
  return self;
}

GPtrArray *
cupel_conformance_context_get_steps (CupelConformanceContext *self)
{
  return self->steps;
}

CupelEngine *
cupel_conformance_context_create_engine (CupelConformanceContext  *self,
                                         GError                  **error)
{
  CupelEngine *engine;

  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), NULL);

  if ((engine = cupel_engine_new (self->url, error)) == NULL)
    return NULL;
  g_signal_connect (engine, "execute", G_CALLBACK (on_execute), self);
  g_signal_connect (engine, "begin", G_CALLBACK (on_begin), self);
  g_signal_connect (engine, "commit", G_CALLBACK (on_commit), self);
  g_signal_connect (engine, "rollback", G_CALLBACK (on_rollback), self);
  g_signal_connect (engine, "connected", G_CALLBACK (on_connect), self);
  g_signal_connect (engine, "checkout", G_CALLBACK (on_checkout), self);
  g_ptr_array_add (self->engines, g_object_ref (engine));
  return engine;
}

const char *
cupel_conformance_context_get_url (CupelConformanceContext *self)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), NULL);
  return self->url;
}

CupelCapabilities
cupel_conformance_context_get_capabilities (CupelConformanceContext *self)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), CUPEL_CAP_NONE);
  return self->capabilities;
}

void
cupel_conformance_context_get_counts (CupelConformanceContext *self,
                                      CupelConformanceCounts  *counts)
{
  const guint *all = (const guint *) &self->counts;
  const guint *before = (const guint *) &self->before;
  guint *since = (guint *) counts;

  g_return_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self));

  for (gsize i = 0; i < sizeof *counts / sizeof (guint); i++)
    since[i] = all[i] - before[i];
}

void
cupel_conformance_context_take_counts (CupelConformanceContext *self,
                                       CupelConformanceCounts  *counts)
{
  CupelConformanceCounts ignored;

  g_return_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self));

  cupel_conformance_context_get_counts (self, counts != NULL ? counts : &ignored);
  self->before = self->counts;
}

guint
cupel_conformance_context_get_statements (CupelConformanceContext *self)
{
  CupelConformanceCounts c;

  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), 0);

  cupel_conformance_context_get_counts (self, &c);
  return c.creates + c.drops + c.inserts + c.updates + c.deletes + c.selects + c.others;
}

void
cupel_conformance_context_get_totals (CupelConformanceContext *self,
                                      CupelConformanceCounts  *totals)
{
  g_return_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self));
  *totals = self->counts;
}

const char *
cupel_conformance_context_get_last_sql (CupelConformanceContext *self)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), NULL);
  return self->last_sql;
}

void
cupel_conformance_context_add_metadata (CupelConformanceContext *self,
                                        CupelMetadata           *metadata)
{
  g_return_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self));
  g_ptr_array_add (self->metadata, g_object_ref (metadata));
}

static gboolean
record (CupelConformanceContext *self,
        const char              *name,
        gboolean                 passed,
        char                    *text)
{
  CupelConformanceStep *step = g_new (CupelConformanceStep, 1);

  step->step = g_strdup (name);
  step->text = text;
  step->passed = passed;
  g_ptr_array_add (self->steps, step);
  return passed;
}

gboolean
cupel_conformance_check (CupelConformanceContext *self,
                         const char              *step,
                         gboolean                 condition,
                         const char              *format,
                         ...)
{
  va_list arguments;
  char *text;

  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), FALSE);

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return record (self, step, condition, text);
}

gboolean
cupel_conformance_check_int (CupelConformanceContext *self,
                             const char              *step,
                             const char              *what,
                             gint64                   got,
                             gint64                   expected)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), FALSE);

  if (got == expected)
    return record (self, step, TRUE, g_strdup_printf ("%s: %" G_GINT64_FORMAT, what, got));
  return record (self, step, FALSE, g_strdup_printf ("%s: expected %" G_GINT64_FORMAT ", got %" G_GINT64_FORMAT " (last statement: %s)",
                                                     what, expected, got, self->last_sql != NULL ? self->last_sql : "none"));
}

gboolean
cupel_conformance_check_at_most (CupelConformanceContext *self,
                                 const char              *step,
                                 const char              *what,
                                 gint64                   got,
                                 gint64                   limit)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), FALSE);

  if (got <= limit)
    return record (self, step, TRUE, g_strdup_printf ("%s: %" G_GINT64_FORMAT " of at most %" G_GINT64_FORMAT, what, got, limit));
  return record (self, step, FALSE, g_strdup_printf ("%s: expected at most %" G_GINT64_FORMAT ", got %" G_GINT64_FORMAT, what, limit, got));
}

gboolean
cupel_conformance_check_string (CupelConformanceContext *self,
                                const char              *step,
                                const char              *what,
                                const char              *got,
                                const char              *expected)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), FALSE);

  if (g_strcmp0 (got, expected) == 0)
    return record (self, step, TRUE, g_strdup_printf ("%s: \"%s\"", what, got != NULL ? got : "NULL"));
  return record (self, step, FALSE, g_strdup_printf ("%s: expected \"%s\", got \"%s\"", what, expected != NULL ? expected : "NULL",
                                                     got != NULL ? got : "NULL"));
}

gboolean
cupel_conformance_check_error (CupelConformanceContext *self,
                               const char              *step,
                               const char              *what,
                               const GError            *error,
                               CupelError               code,
                               const char              *naming)
{
  g_auto(GStrv) names = g_strsplit (naming != NULL ? naming : "", "|", -1);

  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_CONTEXT (self), FALSE);

  if (error == NULL)
    return record (self, step, FALSE, g_strdup_printf ("%s: expected an error of code %d, got none", what, code));
  if (!g_error_matches (error, CUPEL_ERROR, code))
    return record (self, step, FALSE, g_strdup_printf ("%s: expected an error of code %d, got %s %d: %s", what, code,
                                                       g_quark_to_string (error->domain), error->code, error->message));
  for (guint i = 0; names[i] != NULL; i++)
    if (strstr (error->message, names[i]) == NULL)
      return record (self, step, FALSE, g_strdup_printf ("%s: expected a message that names \"%s\", got: %s", what, names[i], error->message));
  return record (self, step, TRUE, g_strdup_printf ("%s: %s", what, error->message));
}

gboolean
cupel_conformance_check_returned (CupelConformanceContext *self,
                                  const char              *step,
                                  CupelEngine             *engine)
{
  CupelPool *pool = cupel_engine_get_pool (engine);

  return cupel_conformance_check_int (self, step, "connections still lent", pool != NULL ? cupel_pool_get_checked_out (pool) : 0, 0);
}

void
cupel_conformance_context_finish (CupelConformanceContext *self)
{
  for (guint i = 0; i < self->engines->len; i++)
    {
      CupelEngine *engine = self->engines->pdata[i];
      g_autoptr(GError) error = NULL;
      CupelPool *pool = cupel_engine_get_pool (engine);

      if (pool != NULL)
        cupel_conformance_check_returned (self, "end", engine);
      for (guint m = 0; m < self->metadata->len; m++)
        if (!cupel_engine_drop_all (engine, self->metadata->pdata[m], NULL, &error))
          {
            cupel_conformance_check (self, "end", FALSE, "dropping the tables: %s", error->message);
            g_clear_error (&error);
          }
      if (!cupel_engine_dispose (engine, NULL, &error))
        cupel_conformance_check (self, "end", FALSE, "disposing an engine: %s", error->message);
      pool = cupel_engine_get_pool (engine);
      cupel_conformance_check_int (self, "end", "idle connections after the disposal",
                                   pool != NULL ? cupel_pool_get_checked_in (pool) : 0, 0);
    }
}
