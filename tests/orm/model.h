/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

/* The classes that the tests of the ORM share. */

CUPEL_DECLARE_ENTITY (Author, author)
CUPEL_DECLARE_ENTITY (Book, book)
CUPEL_DECLARE_ENTITY (Node, node)
CUPEL_DECLARE_ENTITY (Tag, tag)
CUPEL_DECLARE_ENTITY (Everything, everything)

struct _Author
{
  CupelEntity parent_instance;
  gint64 id;
  char *name;
  int age;
  GDateTime *born;
};

struct _Book
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 author_id;
  char *title;
};

/* refers to itself */
struct _Node
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 parent_id;
  char *name;
};

/* a key of two columns, neither generated */
struct _Tag
{
  CupelEntity parent_instance;
  char *scope;
  char *name;
  gint64 weight;
};

struct _Everything
{
  CupelEntity parent_instance;
  gint64 id;
  gboolean flag;
  int small;
  double ratio;
  char *text;
  char *amount;
  GBytes *blob;
  GDateTime *local;
  GDateTime *instant;
  GDate *day;
  gint64 clock;
};

CupelEngine *model_engine (const char *url);   /* with empty tables of all classes; in a fiber */

G_END_DECLS
