/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-statements.h"

#include <string.h>

struct _CupelPgStatements
{
  guint       capacity;
  GHashTable *table;     /* CupelPgStatement: itself, owned */
  GQueue      used;      /* least recently used first */
  GQueue      evicted;   /* names that the server still has */
  guint64     serial;
  gboolean    has_command[CUPEL_PG_N_COMMANDS];
};

static guint
statement_hash (gconstpointer key)
{
  const CupelPgStatement *statement = key;
  guint hash = (guint) (statement->id ^ (statement->id >> 32)) * 2654435761u + statement->form;

  for (guint i = 0; i < statement->n_types; i++)
    hash = hash * 31 + statement->types[i];
  return hash;
}

static gboolean
statement_equal (gconstpointer a,
                 gconstpointer b)
{
  const CupelPgStatement *one = a, *other = b;

  return one->id == other->id && one->form == other->form && one->n_types == other->n_types &&
         (one->n_types == 0 || memcmp (one->types, other->types, one->n_types * sizeof (Oid)) == 0);
}

CupelPgStatement *
cupel_pg_statement_ref (CupelPgStatement *statement)
{
  statement->ref_count++;
  return statement;
}

void
cupel_pg_statement_unref (CupelPgStatement *statement)
{
  if (--statement->ref_count > 0)
    return;
  g_free (statement->types);
  g_free (statement);
}

CupelPgStatements *
cupel_pg_statements_new (guint capacity)
{
  CupelPgStatements *self = g_new0 (CupelPgStatements, 1);

  self->capacity = capacity;
  self->table = g_hash_table_new_full (statement_hash, statement_equal, NULL,
                                       (GDestroyNotify) cupel_pg_statement_unref);
  return self;
}

void
cupel_pg_statements_free (CupelPgStatements *self)
{
  g_hash_table_unref (self->table);
  g_queue_clear_full (&self->evicted, g_free);
  g_free (self);
}

gboolean
cupel_pg_statements_is_enabled (CupelPgStatements *self)
{
  return self->capacity > 0;
}

guint
cupel_pg_statements_get_size (CupelPgStatements *self)
{
  return g_hash_table_size (self->table);
}

CupelPgStatement *
cupel_pg_statements_find (CupelPgStatements *self,
                          guint64            id,
                          CupelPgForm        form,
                          const Oid         *types,
                          guint              n_types)
{
  CupelPgStatement key = { .id = id, .form = form, .n_types = n_types, .types = (Oid *) types };
  CupelPgStatement *statement = g_hash_table_lookup (self->table, &key);

  if (statement != NULL && &statement->link != self->used.tail)
    {
      g_queue_unlink (&self->used, &statement->link);
      g_queue_push_tail_link (&self->used, &statement->link);
    }
  return statement;
}

void
cupel_pg_statements_drop (CupelPgStatements *self,
                          CupelPgStatement  *statement,
                          gboolean           on_server)
{
  if (!statement->cached)
    return;
  statement->cached = FALSE;
  if (on_server)
    g_queue_push_tail (&self->evicted, g_strdup (statement->name));
  g_queue_unlink (&self->used, &statement->link);
  g_hash_table_remove (self->table, statement);
}

CupelPgStatement *
cupel_pg_statements_add (CupelPgStatements *self,
                         guint64            id,
                         CupelPgForm        form,
                         const Oid         *types,
                         guint              n_types)
{
  CupelPgStatement *statement = g_new0 (CupelPgStatement, 1);

  while (g_hash_table_size (self->table) >= self->capacity)
    cupel_pg_statements_drop (self, self->used.head->data, TRUE);

  statement->ref_count = 1;
  statement->id = id;
  statement->form = form;
  statement->n_types = n_types;
  statement->types = g_memdup2 (types, n_types * sizeof (Oid));
  statement->cached = TRUE;
  statement->link.data = statement;
  g_snprintf (statement->name, sizeof statement->name, "c%" G_GUINT64_FORMAT, ++self->serial);
  g_hash_table_add (self->table, statement);
  g_queue_push_tail_link (&self->used, &statement->link);
  return statement;
}

void
cupel_pg_statements_forget (CupelPgStatements *self)
{
  while (self->used.head != NULL)
    cupel_pg_statements_drop (self, self->used.head->data, FALSE);
  g_queue_clear_full (&self->evicted, g_free);
  memset (self->has_command, 0, sizeof self->has_command);
}

static const struct { const char *name, *sql; } commands[] = {
  [CUPEL_PG_COMMAND_BEGIN]    = { "cupel_begin", "BEGIN" },
  [CUPEL_PG_COMMAND_ROLLBACK] = { "cupel_rollback", "ROLLBACK" },
};

const char *
cupel_pg_command_get_sql (CupelPgCommand command)
{
  return commands[command].sql;
}

const char *
cupel_pg_statements_get_command (CupelPgStatements *self,
                                 CupelPgCommand     command,
                                 gboolean          *is_new)
{
  *is_new = !self->has_command[command];
  self->has_command[command] = TRUE;
  return commands[command].name;
}

void
cupel_pg_statements_forget_command (CupelPgStatements *self,
                                    CupelPgCommand     command)
{
  self->has_command[command] = FALSE;
}

guint
cupel_pg_statements_get_n_evicted (CupelPgStatements *self)
{
  return self->evicted.length;
}

char *
cupel_pg_statements_take_evicted (CupelPgStatements *self)
{
  return g_queue_pop_head (&self->evicted);
}
