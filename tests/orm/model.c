/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model.h"

static const CupelColumnSpec author_columns[] = {
  CUPEL_COLUMN (Author, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (Author, name, STRING, .length = 50, .not_null = TRUE, .unique = TRUE),
  CUPEL_COLUMN (Author, age, INT32),
  CUPEL_COLUMN (Author, born, DATETIME, .server_default = "now()"),
};

static const CupelColumnSpec book_columns[] = {
  CUPEL_COLUMN (Book, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (Book, author_id, INT64, .foreign_key = "author.id"),
  CUPEL_COLUMN (Book, title, STRING, .length = 50),
};

static const CupelColumnSpec node_columns[] = {
  CUPEL_COLUMN (Node, id, INT64, .primary_key = TRUE),
  /* indexed: SQLite looks for children of every row when it drops the table */
  CUPEL_COLUMN (Node, parent_id, INT64, .foreign_key = "node.id", .index = TRUE),
  CUPEL_COLUMN (Node, name, STRING, .length = 50),
};

static const CupelColumnSpec tag_columns[] = {
  CUPEL_COLUMN (Tag, scope, STRING, .length = 20, .primary_key = TRUE),
  CUPEL_COLUMN (Tag, name, STRING, .length = 20, .primary_key = TRUE),
  CUPEL_COLUMN (Tag, weight, INT64),
};

static const CupelColumnSpec everything_columns[] = {
  CUPEL_COLUMN (Everything, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (Everything, flag, BOOLEAN),
  CUPEL_COLUMN (Everything, small, INT16),
  CUPEL_COLUMN (Everything, ratio, DOUBLE),
  CUPEL_COLUMN (Everything, text, TEXT),
  CUPEL_COLUMN (Everything, amount, NUMERIC, .precision = 20, .scale = 4),
  CUPEL_COLUMN (Everything, blob, BYTES),
  CUPEL_COLUMN (Everything, local, DATETIME),
  CUPEL_COLUMN (Everything, instant, TIMESTAMP),
  CUPEL_COLUMN (Everything, day, DATE),
  CUPEL_COLUMN (Everything, clock, TIME),
};

CUPEL_DEFINE_ENTITY (Author, author, "author", author_columns,
                     CUPEL_HAS_MANY ("books", book_get_type (), .back_populates = "author", .order_by = "id"))
CUPEL_DEFINE_ENTITY (Book, book, "book", book_columns,
                     CUPEL_BELONGS_TO ("author", author_get_type (), .back_populates = "books"))
CUPEL_DEFINE_ENTITY (Node, node, "node", node_columns,
                     CUPEL_HAS_MANY ("children", node_get_type (), .back_populates = "parent", .order_by = "id",
                                     .cascade = CUPEL_CASCADE_DELETE | CUPEL_CASCADE_DELETE_ORPHAN),
                     CUPEL_BELONGS_TO ("parent", node_get_type (), .back_populates = "children"))
CUPEL_DEFINE_ENTITY (Tag, tag, "tag", tag_columns)
CUPEL_DEFINE_ENTITY (Everything, everything, "everything", everything_columns)

CupelEngine *
model_engine (const char *url)
{
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (url, &error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (author_get_type (), book_get_type (), node_get_type (), tag_get_type (),
                                                             everything_get_type (), G_TYPE_INVALID);

  g_assert_no_error (error);
  g_assert_true (cupel_engine_drop_all (engine, metadata, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (cupel_engine_create_all (engine, metadata, NULL, &error));
  g_assert_no_error (error);
  return engine;
}
