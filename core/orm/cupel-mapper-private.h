/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-loader.h"
#include "orm/cupel-mapper.h"
#include "sql/cupel-row-block.h"

G_BEGIN_DECLS

/* Where an attribute lives: in a member of the struct of a given C type, or behind a GObject property of the class's own. */
typedef enum
{
  CUPEL_STORE_BOOLEAN,
  CUPEL_STORE_INT,
  CUPEL_STORE_INT64,
  CUPEL_STORE_DOUBLE,
  CUPEL_STORE_STRING,
  CUPEL_STORE_BYTES,
  CUPEL_STORE_DATETIME,
  CUPEL_STORE_DATE,
  CUPEL_STORE_PROPERTY,
} CupelStore;

typedef struct
{
  CupelColumn  *column;
  const char   *name;        /* interned, as the class spells it */
  const char   *column_name; /* interned */
  GParamSpec   *pspec;
  CupelSqlKind  kind;
  CupelStore    store;
  guint         offset;
  guint         index;
  gboolean      primary_key;
  gboolean      generated;        /* by the server, as a key */
  gboolean      server_default;
} CupelAttribute;

struct _CupelRelationship
{
  const char            *name;       /* interned */
  CupelRelationshipKind  kind;
  CupelMapper           *parent;
  GType                  target_type;
  guint                  index;      /* in the parent */
  const char            *foreign_key;
  const char            *back_populates;
  const char            *loader;
  const char            *order_by;
  CupelCascade           cascade;
  gboolean               passive_deletes;

  /* resolved at first use */
  CupelMapper           *target;
  CupelRelationship     *inverse;
  guint                  local;      /* attribute of the parent: the referred key of HAS_MANY, the reference of BELONGS_TO */
  guint                  remote;     /* attribute of the target: the reference, or the referred key */
  CupelLoaderStrategy   *strategy;
};

struct _CupelMapper
{
  GObject       parent_instance;

  GType         type;
  CupelTable   *table;
  GArray       *attributes;     /* (element-type CupelAttribute) */
  guint         n_words;        /* of a CupelEntityBits */
  guint         key[8];         /* attributes of the primary key */
  guint         n_key;
  gboolean      native;         /* every attribute is a struct member */
  gboolean      int_key;        /* the key is one INT64 or INT struct member or property */
  gboolean      registered;
  GPtrArray    *relationships;  /* (element-type CupelRelationship) */
  /* frozen statements, made once */
  CupelSelect  *get_select;
  GHashTable   *statements;     /* key: kind and the set of attributes; value: CupelMapperStatement */
};

/* A frozen INSERT, UPDATE or DELETE of one shape. Parameter sets have @n_binds cells: the attributes of @binds in order. */
typedef struct
{
  CupelStatement *statement;
  guint          *binds;
  guint           n_binds;
  guint          *returning;   /* attributes of the returned columns */
  guint           n_returning;
} CupelMapperStatement;

static inline CupelAttribute *
cupel_mapper_attribute (CupelMapper *mapper,
                        guint        index)
{
  return &g_array_index (mapper->attributes, CupelAttribute, index);
}

/* Of an entity. */
static inline CupelMapper *
cupel_mapper_of (gpointer entity)
{
  return CUPEL_ENTITY_GET_CLASS (entity)->mapper;
}

CupelMapper          *cupel_mapper_peek              (GType               type);   /* NULL: not mapped */
int                   cupel_mapper_find              (CupelMapper        *mapper,
                                                      const char         *name);   /* -1: none; '-' equals '_' */
gboolean              cupel_relationship_resolve     (CupelRelationship  *relationship,
                                                      GError            **error);
CupelRelationship    *cupel_mapper_require_relationship (CupelMapper     *mapper,
                                                      const char         *name,
                                                      GError            **error);  /* resolved */
/* As cupel_relationship_populate (), but each reference of @related is taken. */
void                  cupel_relationship_deal_out    (CupelRelationship  *relationship,
                                                      CupelEntity       **parents,
                                                      guint               n_parents,
                                                      CupelEntity       **related,
                                                      guint               n_related);
void                  cupel_relationship_free        (CupelRelationship  *relationship);

CupelMapperStatement *cupel_mapper_insert_statement  (CupelMapper           *mapper,
                                                      const guint64         *set,        /* attributes that have a value */
                                                      gboolean               returning);
CupelMapperStatement *cupel_mapper_update_statement  (CupelMapper           *mapper,
                                                      const guint64         *modified);
CupelMapperStatement *cupel_mapper_delete_statement  (CupelMapper           *mapper);
CupelSelect          *cupel_mapper_get_statement     (CupelMapper           *mapper);    /* (transfer none): by key, frozen */

G_END_DECLS
