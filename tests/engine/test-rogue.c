/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Servers that are not what they say: whatever they do, there is an error in time, and no password in clear and no file goes to them. */

#include <cupel.h>

#include <string.h>
#include <sys/socket.h>

#include "../unit/scale.h"
#include "rogue-server.h"

#define CANARY "S3cr3tCANARY"

/* All that any client of this program sent. */
static GString *received;
static GMutex received_lock;

static gboolean
listen_to (int      fd,
           gpointer data,
           gsize    length)
{
  if (!rogue_read (fd, data, length))
    return FALSE;
  g_mutex_lock (&received_lock);
  g_string_append_len (received, data, (gssize) length);
  g_mutex_unlock (&received_lock);
  return TRUE;
}

static void
listen_to_the_end (int fd)
{
  char byte;

  while (listen_to (fd, &byte, 1))
    ;
}

static void
close_at_once (int      fd,
               gpointer data)
{
}

static void
send_garbage (int      fd,
              gpointer data)
{
  guint8 bytes[4096];

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 37 + 11);
  rogue_write (fd, bytes, sizeof bytes);
  listen_to_the_end (fd);
}

/* What PostgreSQL would read first. */
static gboolean
take_start (int fd)
{
  guint8 header[4];
  guint8 start[1024];

  return rogue_read (fd, header, 4) && listen_to (fd, start, ((gsize) header[2] << 8 | header[3]) - 4);
}

static void
close_after_start (int      fd,
                   gpointer data)
{
  take_start (fd);
}

static void
answer_start (int         fd,
              const void *bytes,
              gsize       length)
{
  if (!take_start (fd))
    return;
  rogue_write (fd, bytes, length);
  listen_to_the_end (fd);
}

static void
send_negative_length (int      fd,
                      gpointer data)
{
  answer_start (fd, "R\xff\xff\xff\xf0\0\0\0\0", 9);
}

static void
send_huge_length (int      fd,
                  gpointer data)
{
  answer_start (fd, "R\x7f\xff\xff\xff\0\0\0\x0a", 9);
}

static void
ask_in_clear (int      fd,
              gpointer data)
{
  answer_start (fd, "R\0\0\0\x08\0\0\0\x03", 9);
}

static void
ask_by_md5 (int      fd,
            gpointer data)
{
  answer_start (fd, "R\0\0\0\x0c\0\0\0\x05salt", 13);
}

/* The harmless question first. */
static void
ask_twice (int      fd,
           gpointer data)
{
  answer_start (fd, "R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0R\0\0\0\x08\0\0\0\x03", 33);
}

/* In pieces that are no question yet. */
static void
ask_in_pieces (int      fd,
               gpointer data)
{
  static const char question[] = "R\0\0\0\x08\0\0\0\x03";

  if (!take_start (fd))
    return;
  for (gsize i = 0; i < 9; i++)
    {
      rogue_write (fd, question + i, 1);
      g_usleep (20000);
    }
  listen_to_the_end (fd);
}

/* A text of 1 GiB, a little at a time. */
static void
send_long_error (int      fd,
                 gpointer is_mysql)
{
  static const char text[] = "more and more and more and more ";

  if (is_mysql == NULL && !take_start (fd))
    return;
  rogue_write (fd, is_mysql != NULL ? "\xff\xff\xff\0\xff\x15\x04#28000" : "E\x40\0\0\0SFATAL", is_mysql != NULL ? 13 : 11);
  for (guint i = 0; i < 10000; i++)
    {
      if (send (fd, text, sizeof text - 1, MSG_NOSIGNAL) <= 0)
        return;
      g_usleep (10000);
    }
}

/* MySQL */

static void
greet_and_close (int      fd,
                 gpointer data)
{
  rogue_greet (fd, FALSE, "mysql_native_password");
}

static void
greet_with_huge_length (int      fd,
                        gpointer data)
{
  rogue_write (fd, "\xff\xff\xff\0\n8.0", 8);
  listen_to_the_end (fd);
}

static void
answer_login (int         fd,
              const void *answer,
              gsize       length)
{
  g_autofree guint8 *login = NULL;
  gsize login_length;

  rogue_greet (fd, FALSE, "mysql_native_password");
  login = rogue_read_packet (fd, &login_length);
  if (login == NULL)
    return;
  g_mutex_lock (&received_lock);
  g_string_append_len (received, (const char *) login, (gssize) login_length);
  g_mutex_unlock (&received_lock);
  rogue_write_packet (fd, 2, answer, length);
  listen_to_the_end (fd);
}

static void
close_after_login (int      fd,
                   gpointer data)
{
  g_autofree guint8 *login = NULL;
  gsize length;

  rogue_greet (fd, FALSE, "mysql_native_password");
  login = rogue_read_packet (fd, &length);
}

static void
switch_to_clear (int      fd,
                 gpointer data)
{
  answer_login (fd, "\xfemysql_clear_password\0", 23);
}

static void
switch_to_dialog (int      fd,
                  gpointer data)
{
  answer_login (fd, "\xfe" "dialog\0\4Password, please: ", 26);
}

/* Without TLS it hands out a key of its own. */
static void
switch_to_sha2 (int      fd,
                gpointer data)
{
  answer_login (fd, "\xfe" "caching_sha2_password\0" "12345678901234567890", 44);
}

static void
ask_for_file (int      fd,
              gpointer data)
{
  answer_login (fd, "\xfb/etc/passwd", 12);
}

/* In answer to the first statement. */
static void
ask_for_file_later (int      fd,
                    gpointer data)
{
  g_autofree guint8 *login = NULL;
  g_autofree guint8 *statement = NULL;
  gsize length;

  rogue_greet (fd, FALSE, "mysql_native_password");
  login = rogue_read_packet (fd, &length);
  rogue_write_packet (fd, 2, "\0\0\0\2\0\0\0", 7);
  statement = rogue_read_packet (fd, &length);
  rogue_write_packet (fd, 1, "\xfb/etc/passwd", 12);
  listen_to_the_end (fd);
}

typedef struct
{
  const char *name;
  const char *scheme;
  RogueFunc   func;
  int         code;
} Case;

static const Case cases[] = {
  { "close", "postgresql", close_at_once, CUPEL_ERROR_CONNECTION },
  { "garbage", "postgresql", send_garbage, CUPEL_ERROR_CONNECTION },
  { "close-after-start", "postgresql", close_after_start, CUPEL_ERROR_CONNECTION },
  { "negative-length", "postgresql", send_negative_length, CUPEL_ERROR_CONNECTION },
  { "huge-length", "postgresql", send_huge_length, CUPEL_ERROR_CONNECTION },
  { "clear", "postgresql", ask_in_clear, CUPEL_ERROR_AUTHENTICATION },
  { "md5", "postgresql", ask_by_md5, CUPEL_ERROR_AUTHENTICATION },
  { "twice", "postgresql", ask_twice, CUPEL_ERROR_CONNECTION },
  { "pieces", "postgresql", ask_in_pieces, CUPEL_ERROR_AUTHENTICATION },
  { "long-error", "postgresql", send_long_error, -1 },
  { "close", "mysql", close_at_once, CUPEL_ERROR_CONNECTION },
  { "garbage", "mysql", send_garbage, -1 },
  { "close-after-greeting", "mysql", greet_and_close, CUPEL_ERROR_CONNECTION },
  { "close-after-login", "mysql", close_after_login, CUPEL_ERROR_CONNECTION },
  { "huge-length", "mysql", greet_with_huge_length, -1 },
  { "clear", "mysql", switch_to_clear, CUPEL_ERROR_AUTHENTICATION },
  { "dialog", "mysql", switch_to_dialog, CUPEL_ERROR_AUTHENTICATION },
  { "sha2", "mysql", switch_to_sha2, CUPEL_ERROR_AUTHENTICATION },
  { "file", "mysql", ask_for_file, -1 },
  { "file-later", "mysql", ask_for_file_later, -1 },
  { "long-error", "mysql", send_long_error, -1 },
};

static GString *logged;
static GMutex logged_lock;

static GLogWriterOutput
keep_log (GLogLevelFlags   level,
          const GLogField *fields,
          gsize            n_fields,
          gpointer         data)
{
  g_autofree char *line = g_log_writer_format_fields (level, fields, n_fields, FALSE);

  g_mutex_lock (&logged_lock);
  g_string_append (logged, line);
  g_mutex_unlock (&logged_lock);
  return G_LOG_WRITER_HANDLED;
}

static void
test_case (gconstpointer data)
{
  const Case *row = data;
  gboolean is_mysql = strcmp (row->scheme, "mysql") == 0;
  g_autoptr(RogueServer) server = rogue_server_new (row->func, GINT_TO_POINTER (is_mysql));
  g_autofree char *url = g_strdup_printf ("%s://me:" CANARY "@db.test:%u/x?tls=disable&connect_timeout=%u", row->scheme,
                                          rogue_server_get_port (server), scale (2, 6));
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = cupel_engine_new (url, &error);
  g_autoptr(CupelConnection) connection = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_no_error (error);
  connection = cupel_engine_connect (engine, NULL, &error);
  g_assert_null (connection);
  g_test_message ("%.200s", error->message);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (scale (2, 6) * 1000));
  g_assert_cmpuint (error->domain, ==, CUPEL_ERROR);
  if (row->code >= 0)
    g_assert_error (error, CUPEL_ERROR, row->code);
  g_assert_cmpuint (strlen (error->message), <, 64 * 1024);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_null (strstr (error->message, CANARY));

  g_mutex_lock (&received_lock);
  g_assert_null (g_strstr_len (received->str, (gssize) received->len, CANARY));
  g_assert_null (memmem (received->str, received->len, CANARY, strlen (CANARY)));
  g_assert_null (memmem (received->str, received->len, "root:", 5));
  g_mutex_unlock (&received_lock);
  g_mutex_lock (&logged_lock);
  g_assert_null (strstr (logged->str, CANARY));
  g_mutex_unlock (&logged_lock);
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  received = g_string_new (NULL);
  logged = g_string_new (NULL);
  g_log_set_writer_func (keep_log, NULL, NULL);
  rogue_resolver_install ();
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/rogue/%s/%s", cases[i].scheme, cases[i].name);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  status = g_test_run ();
  g_string_free (received, TRUE);
  g_string_free (logged, TRUE);
  return status;
}
