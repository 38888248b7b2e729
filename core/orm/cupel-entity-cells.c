/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes to cells and back: direct loads and stores for struct members, GValues for properties of a class's own. */

#include "orm/cupel-entity-private.h"
#include "runtime/cupel-error-private.h"
#include "runtime/cupel-fiber.h"
#include "sql/cupel-sql-type-private.h"
#include "sql/cupel-value-private.h"

#define UNIX_EPOCH_JULIAN 719163 /* g_date_get_julian () of 1970-01-01 */
#define LAST_JULIAN 23936166     /* of 65535-12-31, the last that a GDate can hold */

/* So much of a value is told in a message. */
#define TOLD_CHARACTERS 40

static char *
tell_cell (const CupelCell *cell)
{
  g_autofree char *text = cell->kind == CUPEL_CELL_BYTES ? g_strdup_printf ("%u bytes", cell->length) : cupel_cell_to_string (cell);
  const char *end;

  if (g_utf8_strlen (text, -1) <= TOLD_CHARACTERS)
    return g_strdup_printf ("“%s”", text);
  end = g_utf8_offset_to_pointer (text, TOLD_CHARACTERS);
  return g_strdup_printf ("“%.*s…”", (int) (end - text), text);
}

/* What the column should have held. */
static const char *
wanted (CupelAttribute *attribute)
{
  if (attribute->kind == CUPEL_SQL_DATE)
    return "date of the years 1 to 65535";
  if (attribute->kind == CUPEL_SQL_DATETIME || attribute->kind == CUPEL_SQL_TIMESTAMP)
    return "date and time of the years 1 to 9999";
  return cupel_sql_kind_name (attribute->kind);
}

static gboolean
mismatch (CupelEntity     *self,
          CupelAttribute  *attribute,
          const CupelCell *cell,
          GError         **error)
{
  g_autofree char *value = tell_cell (cell);

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
               "%s.%s: the column \"%s\" holds %s, which is no %s; mend it, or map the column with the type that it has",
               G_OBJECT_TYPE_NAME (self), attribute->name, attribute->column_name, value, wanted (attribute));
  return FALSE;
}

static gboolean
cell_to_int64 (const CupelCell *cell,
               gint64          *value)
{
  switch (cell->kind)
    {
    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_TIME:
      *value = cell->v.i64;
      return TRUE;
    case CUPEL_CELL_DOUBLE:
      /* What a double can hold exactly, as SUM() of some servers gives it. */
      if (cell->v.f64 != (double) (gint64) CLAMP (cell->v.f64, -9007199254740992.0, 9007199254740992.0))
        return FALSE;
      *value = (gint64) cell->v.f64;
      return TRUE;
    case CUPEL_CELL_DECIMAL:
      return g_ascii_string_to_signed (cell->v.text, 10, G_MININT64, G_MAXINT64, value, NULL);
    default:
      return FALSE;
    }
}

static gboolean
store_null (CupelAttribute *attribute,
            gpointer        member)
{
  switch (attribute->store)
    {
    case CUPEL_STORE_BOOLEAN:
    case CUPEL_STORE_INT:
      *(int *) member = 0;
      return TRUE;
    case CUPEL_STORE_INT64:
      *(gint64 *) member = 0;
      return TRUE;
    case CUPEL_STORE_DOUBLE:
      *(double *) member = 0;
      return TRUE;
    case CUPEL_STORE_STRING:
      g_clear_pointer ((char **) member, g_free);
      return TRUE;
    case CUPEL_STORE_BYTES:
      g_clear_pointer ((GBytes **) member, g_bytes_unref);
      return TRUE;
    case CUPEL_STORE_DATETIME:
      g_clear_pointer ((GDateTime **) member, g_date_time_unref);
      return TRUE;
    case CUPEL_STORE_DATE:
      g_clear_pointer ((GDate **) member, g_date_free);
      return TRUE;
    case CUPEL_STORE_PROPERTY:
    default:
      return FALSE;
    }
}

static gboolean
store_member (CupelAttribute  *attribute,
              gpointer         member,
              const CupelCell *cell)
{
  gint64 number;

  switch (attribute->store)
    {
    case CUPEL_STORE_INT64:
      if (G_LIKELY (cell->kind == CUPEL_CELL_INT64))
        {
          *(gint64 *) member = cell->v.i64;
          return TRUE;
        }
      return cell_to_int64 (cell, member);

    case CUPEL_STORE_INT:
      if (!cell_to_int64 (cell, &number) || number < G_MININT || number > G_MAXINT)
        return FALSE;
      *(int *) member = (int) number;
      return TRUE;

    case CUPEL_STORE_BOOLEAN:
      if (!cell_to_int64 (cell, &number))
        return FALSE;
      *(gboolean *) member = number != 0;
      return TRUE;

    case CUPEL_STORE_DOUBLE:
      if (cell->kind == CUPEL_CELL_DOUBLE)
        *(double *) member = cell->v.f64;
      else if (cell->kind == CUPEL_CELL_DECIMAL)
        *(double *) member = g_ascii_strtod (cell->v.text, NULL);
      else if (cell_to_int64 (cell, &number))
        *(double *) member = (double) number;
      else
        return FALSE;
      return TRUE;

    case CUPEL_STORE_STRING:
      if (G_LIKELY (cell->kind == CUPEL_CELL_TEXT))
        {
          char *copy = g_malloc ((gsize) cell->length + 1);

          memcpy (copy, cell->v.text, (gsize) cell->length + 1);
          g_free (*(char **) member);
          *(char **) member = copy;
          return TRUE;
        }
      if (cell->kind == CUPEL_CELL_BYTES)
        return FALSE;
      g_free (*(char **) member);
      *(char **) member = cupel_cell_to_string (cell);
      return TRUE;

    case CUPEL_STORE_BYTES:
      if (cell->kind != CUPEL_CELL_BYTES && cell->kind != CUPEL_CELL_TEXT)
        return FALSE;
      g_clear_pointer ((GBytes **) member, g_bytes_unref);
      *(GBytes **) member = g_bytes_new (cell->v.bytes, cell->length);
      return TRUE;

    case CUPEL_STORE_DATETIME:
      {
        GDateTime *value;

        if (cell->kind != CUPEL_CELL_DATETIME && cell->kind != CUPEL_CELL_TIMESTAMP)
          return FALSE;
        value = cupel_date_time_from_microseconds (cell->v.i64);
        if (value == NULL)
          return FALSE;
        g_clear_pointer ((GDateTime **) member, g_date_time_unref);
        *(GDateTime **) member = value;
        return TRUE;
      }

    case CUPEL_STORE_DATE:
      if (cell->kind != CUPEL_CELL_DATE || cell->v.i64 + UNIX_EPOCH_JULIAN < 1 || cell->v.i64 + UNIX_EPOCH_JULIAN > LAST_JULIAN)
        return FALSE;
      g_clear_pointer ((GDate **) member, g_date_free);
      *(GDate **) member = g_date_new_julian ((guint32) (cell->v.i64 + UNIX_EPOCH_JULIAN));
      return TRUE;

    case CUPEL_STORE_PROPERTY:
    default:
      return FALSE;
    }
}

typedef struct
{
  CupelEntity *self;
  CupelAttribute *attribute;
  GValue *value;
} Access;

static void
get_property (gpointer data)
{
  Access *access = data;

  g_object_get_property (G_OBJECT (access->self), access->attribute->pspec->name, access->value);
}

static void
set_property (gpointer data)
{
  Access *access = data;

  g_object_set_property (G_OBJECT (access->self), access->attribute->pspec->name, access->value);
}

/* Getters and setters are the user's. Who has many to call is on the main stack already; this is for the others. */
static void
call_accessor (CupelFiberFunc  accessor,
               CupelEntity    *self,
               CupelAttribute *attribute,
               GValue         *value)
{
  Access access = { self, attribute, value };

  if (cupel_in_fiber ())
    cupel_call_on_main_stack (accessor, &access);
  else
    accessor (&access);
}

static gboolean
store_property (CupelEntity     *self,
                CupelMapper     *mapper,
                CupelAttribute  *attribute,
                const CupelCell *cell,
                GError         **error)
{
  g_auto(GValue) value = G_VALUE_INIT;
  CupelEntityExtra *extra = cupel_entity_extra (self);
  guint flags = self->flags;

  g_value_init (&value, G_PARAM_SPEC_VALUE_TYPE (attribute->pspec));
  if (cell->kind == CUPEL_CELL_NULL)
    g_param_value_set_default (attribute->pspec, &value);
  else if (!cupel_cell_to_gvalue (cell, &value, NULL))
    return mismatch (self, attribute, cell, error);

  self->flags |= CUPEL_ENTITY_FLAG_LOADING;
  call_accessor (set_property, self, attribute, &value);
  if (!(flags & CUPEL_ENTITY_FLAG_LOADING))
    self->flags &= ~CUPEL_ENTITY_FLAG_LOADING;

  /* Its setter may be anybody's code: what the row had is remembered to tell a change later. */
  if (extra->snapshot == NULL)
    extra->snapshot = g_new0 (CupelValue *, mapper->attributes->len);
  g_clear_pointer (&extra->snapshot[attribute->index], cupel_value_unref);
  extra->snapshot[attribute->index] = cupel_value_new_from_cell (cell);
  return TRUE;
}

gboolean
cupel_entity_store_cell (CupelEntity      *self,
                         CupelMapper      *mapper,
                         guint             index,
                         const CupelCell  *cell,
                         GError          **error)
{
  CupelAttribute *attribute = cupel_mapper_attribute (mapper, index);

  if (attribute->store == CUPEL_STORE_PROPERTY)
    {
      if (!store_property (self, mapper, attribute, cell, error))
        return FALSE;
    }
  else
    {
      gpointer member = G_STRUCT_MEMBER_P (self, attribute->offset);

      if (cell->kind == CUPEL_CELL_NULL ? !store_null (attribute, member) : !store_member (attribute, member, cell))
        return mismatch (self, attribute, cell, error);
    }

  cupel_entity_set_bit (mapper, &self->nulls, index, cell->kind == CUPEL_CELL_NULL);
  return TRUE;
}

/* The common case of each store: a member that is still empty, and a cell of its own kind. */
static inline gboolean
store_plain (CupelEntity          *self,
             const CupelAttribute *attribute,
             const CupelCell      *cell)
{
  gpointer member = G_STRUCT_MEMBER_P (self, attribute->offset);

  switch (attribute->store)
    {
    case CUPEL_STORE_INT64:
      if (cell->kind != CUPEL_CELL_INT64)
        return FALSE;
      *(gint64 *) member = cell->v.i64;
      return TRUE;

    case CUPEL_STORE_INT:
      if (cell->kind != CUPEL_CELL_INT64 || cell->v.i64 < G_MININT || cell->v.i64 > G_MAXINT)
        return FALSE;
      *(int *) member = (int) cell->v.i64;
      return TRUE;

    case CUPEL_STORE_BOOLEAN:
      if (cell->kind != CUPEL_CELL_BOOLEAN)
        return FALSE;
      *(gboolean *) member = cell->v.i64 != 0;
      return TRUE;

    case CUPEL_STORE_DOUBLE:
      if (cell->kind != CUPEL_CELL_DOUBLE)
        return FALSE;
      *(double *) member = cell->v.f64;
      return TRUE;

    case CUPEL_STORE_STRING:
      if (cell->kind != CUPEL_CELL_TEXT || *(char **) member != NULL)
        return FALSE;
      *(char **) member = g_malloc ((gsize) cell->length + 1);
      memcpy (*(char **) member, cell->v.text, (gsize) cell->length + 1);
      return TRUE;

    case CUPEL_STORE_DATETIME:
      if ((cell->kind != CUPEL_CELL_DATETIME && cell->kind != CUPEL_CELL_TIMESTAMP) || *(GDateTime **) member != NULL)
        return FALSE;
      *(GDateTime **) member = cupel_date_time_from_microseconds (cell->v.i64);
      return *(GDateTime **) member != NULL;

    case CUPEL_STORE_BYTES:
    case CUPEL_STORE_DATE:
    case CUPEL_STORE_PROPERTY:
    default:
      return FALSE;
    }
}

/* Which row it was, for who has to mend it. */
static void
tell_row (CupelMapper      *mapper,
          const CupelCell  *row,
          GError          **error)
{
  if (error == NULL || *error == NULL)
    return;
  for (guint i = 0; i < mapper->n_key; i++)
    {
      g_autofree char *value = tell_cell (&row[mapper->key[i]]);

      cupel_error_append (*error, "%s%s = %s%s", i == 0 ? " (in the row with " : ", ",
                          cupel_mapper_attribute (mapper, mapper->key[i])->column_name, value, i + 1 == mapper->n_key ? ")" : "");
    }
}

gboolean
cupel_entity_load_row (CupelEntity     *self,
                       CupelMapper     *mapper,
                       const CupelCell *row,
                       GError         **error)
{
  const CupelAttribute *attributes = (const CupelAttribute *) mapper->attributes->data;
  const guint n = mapper->attributes->len;

  for (guint i = 0; i < n; i++)
    if (G_UNLIKELY (!store_plain (self, &attributes[i], &row[i])) && !cupel_entity_store_cell (self, mapper, i, &row[i], error))
      {
        tell_row (mapper, row, error);
        return FALSE;
      }

  if (mapper->n_words == 1)
    self->loaded.word = n == 64 ? G_MAXUINT64 : (G_GUINT64_CONSTANT (1) << n) - 1;
  else
    for (guint i = 0; i < n; i++)
      cupel_entity_set_bit (mapper, &self->loaded, i, TRUE);
  return TRUE;
}

gboolean
cupel_entity_change_cell (CupelEntity      *self,
                          CupelMapper      *mapper,
                          guint             index,
                          const CupelCell  *cell,
                          GError          **error)
{
  CupelEntityExtra *extra = mapper->native ? NULL : cupel_entity_extra (self);
  CupelValue *known = extra != NULL && extra->snapshot != NULL ? g_steal_pointer (&extra->snapshot[index]) : NULL;
  gboolean ok = cupel_entity_store_cell (self, mapper, index, cell, error);

  if (extra != NULL && extra->snapshot != NULL)
    {
      g_clear_pointer (&extra->snapshot[index], cupel_value_unref);
      extra->snapshot[index] = known;
    }
  return ok;
}

gboolean
cupel_entity_assign_cell (CupelEntity      *self,
                          guint             index,
                          const CupelCell  *cell,
                          GError          **error)
{
  CupelMapper *mapper = cupel_mapper_of (self);

  if (!cupel_entity_store_cell (self, mapper, index, cell, error))
    return FALSE;
  cupel_entity_set_bit (mapper, &self->loaded, index, TRUE);
  cupel_entity_set_bit (mapper, &self->modified, index, FALSE);
  return TRUE;
}

static gboolean
peek_datetime (CupelEntity     *self,
               CupelAttribute  *attribute,
               GDateTime       *value,
               CupelCell       *cell,
               GError         **error)
{
  if (!cupel_date_time_is_readable (value))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
                   "%s.%s: the date is, in UTC, not within the years 1 to 9999, and could not be read back",
                   G_OBJECT_TYPE_NAME (self), attribute->name);
      return FALSE;
    }
  cell->kind = attribute->kind == CUPEL_SQL_TIMESTAMP ? CUPEL_CELL_TIMESTAMP : CUPEL_CELL_DATETIME;
  cell->v.i64 = cupel_date_time_to_microseconds (value);
  return TRUE;
}

static gboolean
peek_text (CupelEntity     *self,
           CupelAttribute  *attribute,
           const char      *text,
           CupelCell       *cell,
           GError         **error)
{
  gsize length = strlen (text);

  if (!cupel_is_clean_text (text, length))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "%s.%s: the text is not valid UTF-8", G_OBJECT_TYPE_NAME (self), attribute->name);
      return FALSE;
    }
  if (length > G_MAXUINT32)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "%s.%s: the text is longer than 4 GiB", G_OBJECT_TYPE_NAME (self), attribute->name);
      return FALSE;
    }
  cell->kind = attribute->kind == CUPEL_SQL_NUMERIC ? CUPEL_CELL_DECIMAL
               : attribute->kind == CUPEL_SQL_JSON  ? CUPEL_CELL_JSON
                                                    : CUPEL_CELL_TEXT;
  cell->length = (guint32) length;
  cell->v.text = text;
  return TRUE;
}

static gboolean
peek_bytes (CupelEntity     *self,
            CupelAttribute  *attribute,
            GBytes          *bytes,
            CupelCell       *cell,
            GError         **error)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  if (length > G_MAXUINT32)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "%s.%s: there are more than 4 GiB", G_OBJECT_TYPE_NAME (self), attribute->name);
      return FALSE;
    }
  cell->kind = CUPEL_CELL_BYTES;
  cell->length = (guint32) length;
  cell->v.bytes = length > 0 ? data : (gconstpointer) "";
  return TRUE;
}

gboolean
cupel_entity_peek_cell (CupelEntity  *self,
                        CupelMapper  *mapper,
                        guint         index,
                        CupelCell    *cell,
                        GError      **error)
{
  CupelAttribute *attribute = cupel_mapper_attribute (mapper, index);
  gpointer member = G_STRUCT_MEMBER_P (self, attribute->offset);

  *cell = (CupelCell) { .kind = CUPEL_CELL_NULL };
  if (!cupel_entity_bit (mapper, &self->loaded, index) || cupel_entity_bit (mapper, &self->nulls, index))
    return TRUE;

  switch (attribute->store)
    {
    case CUPEL_STORE_BOOLEAN:
      cell->kind = CUPEL_CELL_BOOLEAN;
      cell->v.i64 = *(gboolean *) member != FALSE;
      return TRUE;
    case CUPEL_STORE_INT:
      cell->kind = CUPEL_CELL_INT64;
      cell->v.i64 = *(int *) member;
      return TRUE;
    case CUPEL_STORE_INT64:
      cell->kind = attribute->kind == CUPEL_SQL_TIME ? CUPEL_CELL_TIME : CUPEL_CELL_INT64;
      cell->v.i64 = *(gint64 *) member;
      return TRUE;
    case CUPEL_STORE_DOUBLE:
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.f64 = *(double *) member;
      return TRUE;
    case CUPEL_STORE_STRING:
      return *(char **) member == NULL || peek_text (self, attribute, *(char **) member, cell, error);
    case CUPEL_STORE_BYTES:
      return *(GBytes **) member == NULL || peek_bytes (self, attribute, *(GBytes **) member, cell, error);
    case CUPEL_STORE_DATETIME:
      return *(GDateTime **) member == NULL || peek_datetime (self, attribute, *(GDateTime **) member, cell, error);
    case CUPEL_STORE_DATE:
      if (*(GDate **) member != NULL && g_date_valid (*(GDate **) member))
        {
          cell->kind = CUPEL_CELL_DATE;
          cell->v.i64 = (gint64) g_date_get_julian (*(GDate **) member) - UNIX_EPOCH_JULIAN;
        }
      return TRUE;
    case CUPEL_STORE_PROPERTY:
    default:
      g_return_val_if_reached (FALSE);
    }
}

gboolean
cupel_entity_fetch_cell (CupelEntity    *self,
                         CupelMapper    *mapper,
                         guint           index,
                         CupelRowBlock  *block,
                         CupelCell      *cell,
                         GError        **error)
{
  CupelAttribute *attribute = cupel_mapper_attribute (mapper, index);
  g_auto(GValue) value = G_VALUE_INIT;

  if (attribute->store != CUPEL_STORE_PROPERTY)
    {
      CupelCell peeked;

      if (!cupel_entity_peek_cell (self, mapper, index, &peeked, error))
        return FALSE;
      if (cupel_row_block_copy_cell (block, cell, &peeked))
        return TRUE;
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "%s.%s: not enough memory for the value", G_OBJECT_TYPE_NAME (self), attribute->name);
      return FALSE;
    }

  cell->kind = CUPEL_CELL_NULL;
  if (!cupel_entity_bit (mapper, &self->loaded, index) || cupel_entity_bit (mapper, &self->nulls, index))
    return TRUE;
  g_value_init (&value, G_PARAM_SPEC_VALUE_TYPE (attribute->pspec));
  call_accessor (get_property, self, attribute, &value);
  if (cupel_cell_from_gvalue (block, cell, cupel_column_get_sql_type (attribute->column), &value, error))
    return TRUE;
  g_prefix_error (error, "%s.%s: ", G_OBJECT_TYPE_NAME (self), attribute->name);
  return FALSE;
}

const CupelCell *
cupel_entity_row_cell (CupelEntity *self,
                       guint        index)
{
  CupelEntityExtra *extra = self->extra;

  if (extra != NULL && extra->originals != NULL && extra->originals[index] != NULL)
    return cupel_value_get_cell (extra->originals[index]);
  if (extra != NULL && extra->snapshot != NULL && extra->snapshot[index] != NULL)
    return cupel_value_get_cell (extra->snapshot[index]);
  return NULL;
}

/* A part of an integer key; 0 for NULL. */
gint64
cupel_entity_fetch_int (CupelEntity *self,
                        CupelMapper *mapper,
                        guint        index)
{
  CupelAttribute *attribute = cupel_mapper_attribute (mapper, index);
  g_autoptr(CupelRowBlock) block = NULL;
  CupelCell *cell;

  if (attribute->store == CUPEL_STORE_INT64)
    return G_STRUCT_MEMBER (gint64, self, attribute->offset);
  if (attribute->store == CUPEL_STORE_INT)
    return G_STRUCT_MEMBER (int, self, attribute->offset);

  block = cupel_row_block_new (1, 1);
  cell = cupel_row_block_add_row (block);
  return cupel_entity_fetch_cell (self, mapper, index, block, cell, NULL) && cell->kind == CUPEL_CELL_INT64 ? cell->v.i64 : 0;
}
