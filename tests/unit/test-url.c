/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel.h>

#include <string.h>

#include "scale.h"

#define CANARY "S3cr3tCANARY"

typedef struct
{
  const char *url;
  const char *dialect;
  const char *driver;
  const char *user;
  const char *password;
  const char *host;
  int         port;
  const char *database;
  const char *options;    /* "name=value" lines */
  const char *printed;    /* NULL: as it was given */
} Good;

static const Good good[] = {
  { "postgresql+libpq://user:pa%40ss@[::1]:5432/db?host=::1&application_name=y", "postgresql", "libpq", "user", "pa@ss",
    "::1", 5432, "db", "application_name=y\n", "postgresql+libpq://user:***@[::1]:5432/db?application_name=y" },
  { "postgresql://user@[::1]:5432/db", "postgresql", NULL, "user", NULL, "::1", 5432, "db", "" },
  { "postgresql://", "postgresql", NULL, NULL, NULL, NULL, -1, NULL, "" },
  { "postgresql:///", "postgresql", NULL, NULL, NULL, NULL, -1, NULL, "", "postgresql://" },
  { "postgresql:///db", "postgresql", NULL, NULL, NULL, NULL, -1, "db", "" },
  { "postgresql://localhost", "postgresql", NULL, NULL, NULL, "localhost", -1, NULL, "" },
  { "postgresql://localhost/", "postgresql", NULL, NULL, NULL, "localhost", -1, NULL, "", "postgresql://localhost" },
  { "postgresql://db.example.org:6432/x", "postgresql", NULL, NULL, NULL, "db.example.org", 6432, "x", "" },
  { "postgresql://db.example.org.:1/x", "postgresql", NULL, NULL, NULL, "db.example.org.", 1, "x", "" },
  { "postgresql://my_service/x", "postgresql", NULL, NULL, NULL, "my_service", -1, "x", "" },
  { "postgresql://10.1.2.3:65535/x", "postgresql", NULL, NULL, NULL, "10.1.2.3", 65535, "x", "" },
  { "postgresql://host:/x", "postgresql", NULL, NULL, NULL, "host", -1, "x", "", "postgresql://host/x" },
  { "postgresql://[fe80::1%25eth0]/x", "postgresql", NULL, NULL, NULL, "fe80::1%eth0", -1, "x", "" },
  { "postgresql://[2001:db8::7]/x", "postgresql", NULL, NULL, NULL, "2001:db8::7", -1, "x", "" },
  { "postgresql://b%C3%BCcher.example/x", "postgresql", NULL, NULL, NULL, "xn--bcher-kva.example", -1, "x", "",
    "postgresql://xn--bcher-kva.example/x" },
  { "postgresql://bücher.example/x", "postgresql", NULL, NULL, NULL, "xn--bcher-kva.example", -1, "x", "",
    "postgresql://xn--bcher-kva.example/x" },
  { "POSTGRESQL+LibPQ://h", "postgresql", "libpq", NULL, NULL, "h", -1, NULL, "", "postgresql+libpq://h" },
  { "my-dialect+my_driver2://h", "my-dialect", "my_driver2", NULL, NULL, "h", -1, NULL, "" },
  { "postgresql://u:@h/d", "postgresql", NULL, "u", "", "h", -1, "d", "", "postgresql://u:***@h/d" },
  { "postgresql://:p@h/d", "postgresql", NULL, NULL, "p", "h", -1, "d", "", "postgresql://:***@h/d" },
  { "postgresql://@h/d", "postgresql", NULL, NULL, NULL, "h", -1, "d", "", "postgresql://h/d" },
  { "postgresql://u:a:b@h/d", "postgresql", NULL, "u", "a:b", "h", -1, "d", "", "postgresql://u:***@h/d" },
  { "postgresql://u:a%2Fb%3Fc%23d%25@h/d", "postgresql", NULL, "u", "a/b?c#d%", "h", -1, "d", "", "postgresql://u:***@h/d" },
  { "postgresql://u%40realm:p@h/d", "postgresql", NULL, "u@realm", "p", "h", -1, "d", "", "postgresql://u%40realm:***@h/d" },
  { "postgresql://u%3Ax@h/d", "postgresql", NULL, "u:x", NULL, "h", -1, "d", "" },
  { "postgresql://u:p+q@h/d", "postgresql", NULL, "u", "p+q", "h", -1, "d", "", "postgresql://u:***@h/d" },
  { "postgresql://u:%C3%A9@h/d", "postgresql", NULL, "u", "é", "h", -1, "d", "", "postgresql://u:***@h/d" },
  { "postgresql://u:é@h/d", "postgresql", NULL, "u", "é", "h", -1, "d", "", "postgresql://u:***@h/d" },
  { "postgresql://u:p%20q@h/d", "postgresql", NULL, "u", "p q", "h", -1, "d", "", "postgresql://u:***@h/d" },
  { "postgresql://u;auth=x:p@h/d", "postgresql", NULL, "u;auth=x", "p", "h", -1, "d", "",
    "postgresql://u%3Bauth%3Dx:***@h/d" },
  { "postgresql://cupel@/cupel?host=/tmp/pg", "postgresql", NULL, "cupel", NULL, "/tmp/pg", -1, "cupel", "",
    "postgresql://cupel@%2Ftmp%2Fpg/cupel" },
  { "postgresql://%2Ftmp%2Fpg:5433/cupel", "postgresql", NULL, NULL, NULL, "/tmp/pg", 5433, "cupel", "" },
  { "postgresql:///cupel?host=/tmp/pg&port=5433", "postgresql", NULL, NULL, NULL, "/tmp/pg", 5433, "cupel", "",
    "postgresql://%2Ftmp%2Fpg:5433/cupel" },
  { "postgresql:///cupel?host=%2Ftmp%2Fpg", "postgresql", NULL, NULL, NULL, "/tmp/pg", -1, "cupel", "",
    "postgresql://%2Ftmp%2Fpg/cupel" },
  { "postgresql://h:5432/cupel?host=h&port=5432", "postgresql", NULL, NULL, NULL, "h", 5432, "cupel", "",
    "postgresql://h:5432/cupel" },
  { "mysql://cupel@/cupel?host=/tmp/x/my.sock", "mysql", NULL, "cupel", NULL, "/tmp/x/my.sock", -1, "cupel", "",
    "mysql://cupel@%2Ftmp%2Fx%2Fmy.sock/cupel" },
  { "mysql://h/d?a=1&b=&c=x%26y%3D%20z&d=p+q", "mysql", NULL, NULL, NULL, "h", -1, "d", "a=1\nb=\nc=x&y= z\nd=p+q\n",
    "mysql://h/d?a=1&b=&c=x%26y%3D%20z&d=p%2Bq" },
  { "mysql://h/d?a=b=c", "mysql", NULL, NULL, NULL, "h", -1, "d", "a=b=c\n", "mysql://h/d?a=b%3Dc" },
  { "mysql://h/d?a=x?y", "mysql", NULL, NULL, NULL, "h", -1, "d", "a=x?y\n", "mysql://h/d?a=x%3Fy" },
  { "mysql://h/d?ssl.mode_x-1=on", "mysql", NULL, NULL, NULL, "h", -1, "d", "ssl.mode_x-1=on\n" },
  { "mysql://h/d?a=1&A=2", "mysql", NULL, NULL, NULL, "h", -1, "d", "a=1\nA=2\n" },
  { "mysql://h?a=1", "mysql", NULL, NULL, NULL, "h", -1, NULL, "a=1\n" },
  { "mysql://h/d?", "mysql", NULL, NULL, NULL, "h", -1, "d", "", "mysql://h/d" },
  { "mysql://h/a%2Fb", "mysql", NULL, NULL, NULL, "h", -1, "a/b", "", "mysql://h/a/b" },
  { "mysql://u@h/a@b", "mysql", NULL, "u", NULL, "h", -1, "a@b", "", "mysql://u@h/a%40b" },
  { "mysql://h/a%40b", "mysql", NULL, NULL, NULL, "h", -1, "a@b", "" },
  { "mysql://h/d?sslpassword=x&sslkey=/k&ApiSecret=1&token=2&ssl_passphrase=3", "mysql", NULL, NULL, NULL, "h", -1, "d",
    "sslpassword=x\nsslkey=/k\nApiSecret=1\ntoken=2\nssl_passphrase=3\n",
    "mysql://h/d?sslpassword=***&sslkey=***&ApiSecret=***&token=***&ssl_passphrase=***" },
  { "sqlite://", "sqlite", NULL, NULL, NULL, NULL, -1, NULL, "" },
  { "sqlite://?mode=memory", "sqlite", NULL, NULL, NULL, NULL, -1, NULL, "mode=memory\n" },
  { "sqlite:///rel/path.db", "sqlite", NULL, NULL, NULL, NULL, -1, "rel/path.db", "" },
  { "sqlite:///../up.db", "sqlite", NULL, NULL, NULL, NULL, -1, "../up.db", "" },
  { "sqlite:////abs/path.db", "sqlite", NULL, NULL, NULL, NULL, -1, "/abs/path.db", "" },
  { "sqlite+dbi:///file", "sqlite", "dbi", NULL, NULL, NULL, -1, "file", "" },
  { "sqlite:///:memory:", "sqlite", NULL, NULL, NULL, NULL, -1, ":memory:", "" },
  { "sqlite:////home/me@work/a%20b.db", "sqlite", NULL, NULL, NULL, NULL, -1, "/home/me@work/a b.db", "",
    "sqlite:////home/me%40work/a%20b.db" },
  { "sqlite:///%C3%A9t%C3%A9.db", "sqlite", NULL, NULL, NULL, NULL, -1, "été.db", "" },
  { "sqlite:///a%23b%3Fc%25d.db", "sqlite", NULL, NULL, NULL, NULL, -1, "a#b?c%d.db", "" },
};

typedef struct
{
  const char *url;
  const char *says;    /* a piece of the message */
} Bad;

static const Bad bad[] = {
  { "", "no \"://\"" },
  { "postgresql", "no \"://\"" },
  { "postgresql:", "no \"://\"" },
  { "postgresql:/db", "no \"://\"" },
  { "postgresql//db", "no \"://\"" },
  { "user:" CANARY "@host/db", "no \"://\"" },
  { CANARY "@host/db", "no \"://\"" },
  { "://host/db", "no scheme" },
  { "post gresql://host", "scheme must be" },
  { "pöstgresql://host", "scheme must be" },
  { "9sql://host", "scheme must be" },
  { ".sql://host", "scheme must be" },
  { "../sql://host", "no \"://\"" },
  { "postgresql+://host", "scheme must be" },
  { "+libpq://host", "scheme must be" },
  { "postgresql+a+b://host", "scheme must be" },
  { "postgresql+li.bpq://host", "scheme must be" },
  { "post%67resql://host", "scheme must be" },
  { "abcdefghijklmnopqrstuvwxyzabcdefgh://host", "scheme must be" },
  { "\npostgresql://host", "scheme must be" },
  { " postgresql://host", "scheme must be" },
  { "postgresql://u:" CANARY "@host/db\n", "at byte 36: a control character" },
  { "postgresql://u:" CANARY "\t@host/db", "a control character" },
  { "postgresql://u:" CANARY "\x01@host/db", "a control character" },
  { "postgresql://u:" CANARY "\x7f@host/db", "a control character" },
  { "postgresql://u:" CANARY " x@host/db", "a space" },
  { "postgresql://u:" CANARY "%00@host/db", "an encoded control character" },
  { "postgresql://u:" CANARY "@host/db%00x", "at byte 36: an encoded control character" },
  { "postgresql://u:" CANARY "@ho%0Ast/db", "an encoded control character" },
  { "postgresql://u:" CANARY "@host/db?a=%1f", "an encoded control character" },
  { "postgresql://u:" CANARY "@host/db?a=%7F", "an encoded control character" },
  { "postgresql://u:" CANARY "%@host/db", "two hexadecimal digits" },
  { "postgresql://u:" CANARY "%4@host/db", "two hexadecimal digits" },
  { "postgresql://u:" CANARY "%zz@host/db", "two hexadecimal digits" },
  { "postgresql://u:" CANARY "@host/db%", "two hexadecimal digits" },
  { "postgresql://u:" CANARY "@host/db%2", "two hexadecimal digits" },
  { "postgresql://u:" CANARY "@host/db?a=%g0", "two hexadecimal digits" },
  { "postgresql://u:" CANARY "\xff@host/db", "not UTF-8" },
  { "postgresql://u:" CANARY "%FF@host/db", "the password is not UTF-8" },
  { "postgresql://%C3%28:" CANARY "@host/db", "the user is not UTF-8" },
  { "postgresql://u:" CANARY "@h%FFst/db", "the host is not UTF-8" },
  { "postgresql://u:" CANARY "@host/%C0%AF", "the database is not UTF-8" },
  { "postgresql://u:" CANARY "@host/db?a=%ED%A0%80", "the value of an option is not UTF-8" },
  { "postgresql://u:" CANARY "@host/db?%FF=1", "the name of an option is not UTF-8" },
  { "postgresql://u:" CANARY "@host:0/db", "the port" },
  { "postgresql://u:" CANARY "@host:65536/db", "the port" },
  { "postgresql://u:" CANARY "@host:99999999999999999999/db", "the port" },
  { "postgresql://u:" CANARY "@host:-1/db", "the port" },
  { "postgresql://u:" CANARY "@host:+1/db", "the port" },
  { "postgresql://u:" CANARY "@host:54a/db", "the port" },
  { "postgresql://u:" CANARY "@host:0x10/db", "the port" },
  { "postgresql://u:" CANARY "@host:%35/db", "the port" },
  { "postgresql://u:" CANARY "@::1/db", "the port" },
  { "postgresql://u:" CANARY "/x@host/db", "\"@\" after the host" },
  { "postgresql://u:" CANARY "?x@host/db", "the port" },
  { "postgresql://u:12/" CANARY "@host/db", "\"@\" after the host" },
  { "postgresql://u:12?" CANARY "@host/db", "without \"=\"" },
  { "postgresql://u:" CANARY "#x@host/db", "fragment" },
  { "postgresql://u:" CANARY "@host/db#x", "fragment" },
  { "postgresql://u:" CANARY "@x@host/db", "written %40" },
  { "postgresql://u@v:" CANARY "@host/db", "written %40" },
  { "postgresql://u:" CANARY "@[::1/db", "the host" },
  { "postgresql://u:" CANARY "@[::g]/db", "the host" },
  { "postgresql://u:" CANARY "@[host]/db", "the host" },
  { "postgresql://u:" CANARY "@[::1]x/db", "the host" },
  { "postgresql://u:" CANARY "@a;b/db", "a host must not" },
  { "postgresql://u:" CANARY "@a=b/db", "a host must not" },
  { "postgresql://u:" CANARY "@a,/db", "of the list is empty" },
  { "postgresql://u:" CANARY "@,a/db", "of the list is empty" },
  { "postgresql://u:" CANARY "@a,,b/db", "of the list is empty" },
  { "postgresql://u:" CANARY "@a,:5432/db", "of the list is empty" },
  { "postgresql://u:" CANARY "@a,b:x/db", "the port" },
  { "postgresql://u:" CANARY "@a:0,b/db", "the port" },
  { "postgresql://u:" CANARY "@a:70000,b/db", "the port" },
  { "postgresql://u:" CANARY "@a,b;c/db", "a host must not" },
  { "postgresql://u:" CANARY "@a,b%2Cc/db", "a host must not" },
  { "postgresql://u:" CANARY "@a,%2Ftmp/db", "has no paths" },
  { "postgresql://u:" CANARY "@a,b/db?host=a", "contradicts the host" },
  { "postgresql://u:" CANARY "@a%3Bb/db", "a host must not" },
  { "postgresql://u:" CANARY "@a%3Db/db", "a host must not" },
  { "postgresql://u:" CANARY "@a%2Cb/db", "a host must not" },
  { "postgresql://u:" CANARY "@a%40b/db", "a host must not" },
  { "postgresql://u:" CANARY "@a%20b/db", "a host must not" },
  { "postgresql://u:" CANARY "@a%3A%2F%2Fb/db", "a host must not" },
  { "postgresql://u:" CANARY "@a://b/db", "the host contains" },
  { "postgresql://a://b", "the host contains" },
  { "postgresql://u:" CANARY "@a%3Ab/db", "the host" },
  { "postgresql://u:" CANARY "@a%2Fb/db", "neither a name" },
  { "postgresql://u:" CANARY "@a%25b/db", "neither a name" },
  { "postgresql://u:" CANARY "@a..b/db", "neither a name" },
  { "postgresql://u:" CANARY "@../db", "neither a name" },
  { "postgresql://u:" CANARY "@-oProxy/db", "neither a name" },
  { "postgresql://u:" CANARY "@a$b/db", "neither a name" },
  { "postgresql://u:" CANARY "@/db?host=", "is empty" },
  { "postgresql://u:" CANARY "@/db?host=a;b", "a host must not" },
  { "postgresql://u:" CANARY "@/db?host=/tmp/a,/tmp/b", "a host must not" },
  { "postgresql://u:" CANARY "@/db?host=tcp://x", "a host must not" },
  { "postgresql://u:" CANARY "@/db?host=a%3Db", "a host must not" },
  { "postgresql://u:" CANARY "@h/db?host=/tmp", "contradicts the host" },
  { "postgresql://u:" CANARY "@h:1/db?port=2", "contradicts the port" },
  { "postgresql://u:" CANARY "@h/db?port=0", "the port" },
  { "postgresql://u:" CANARY "@h/db?port=", "the port" },
  { "postgresql://u:" CANARY "@h/db?port=%2B1", "the port" },
  { "postgresql://u:" CANARY "@h/db?a=1&b=2&a=3", "given twice" },
  { "postgresql://u:" CANARY "@h/db?a=1&%61=3", "given twice" },
  { "postgresql://u:" CANARY "@/db?host=x&host=x", "given twice" },
  { "postgresql://u:" CANARY "@h/db?a", "without \"=\"" },
  { "postgresql://u:" CANARY "@h/db?a=1&", "without \"=\"" },
  { "postgresql://u:" CANARY "@h/db?&a=1", "without \"=\"" },
  { "postgresql://u:" CANARY "@h/db?=1", "name of an option" },
  { "postgresql://u:" CANARY "@h/db?a%20b=1", "name of an option" },
  { "postgresql://u:" CANARY "@h/db?9a=1", "name of an option" },
  { "postgresql://h/db?" CANARY "=1&" CANARY "=2", "given twice" },
  { "postgresql://h/db?password=" CANARY "&password=x", "given twice" },
};

static char *
join_options (const CupelUrl *url)
{
  const char *const *names = cupel_url_get_option_names (url);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; names[i] != NULL; i++)
    g_string_append_printf (text, "%s=%s\n", names[i], cupel_url_get_option (url, names[i]));
  return g_string_free (text, FALSE);
}

static void
check_equal (const CupelUrl *a,
             const CupelUrl *b)
{
  g_autofree char *options_a = join_options (a);
  g_autofree char *options_b = join_options (b);

  g_assert_cmpstr (cupel_url_get_dialect (a), ==, cupel_url_get_dialect (b));
  g_assert_cmpstr (cupel_url_get_driver (a), ==, cupel_url_get_driver (b));
  g_assert_cmpstr (cupel_url_get_user (a), ==, cupel_url_get_user (b));
  g_assert_cmpstr (cupel_url_get_host (a), ==, cupel_url_get_host (b));
  g_assert_cmpint (cupel_url_get_port (a), ==, cupel_url_get_port (b));
  g_assert_cmpstr (cupel_url_get_database (a), ==, cupel_url_get_database (b));
  if (strstr (options_a, "pass") == NULL)
    g_assert_cmpstr (options_a, ==, options_b);
}

static void
test_good (gconstpointer data)
{
  const Good *row = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) url = cupel_url_new (row->url, &error);
  g_autoptr(CupelUrl) again = NULL;
  g_autofree char *options = NULL;
  g_autofree char *printed = NULL;

  g_assert_no_error (error);
  g_assert_nonnull (url);
  g_assert_cmpstr (cupel_url_get_dialect (url), ==, row->dialect);
  g_assert_cmpstr (cupel_url_get_driver (url), ==, row->driver);
  g_assert_cmpstr (cupel_url_get_user (url), ==, row->user);
  g_assert_cmpstr (cupel_url_get_password (url), ==, row->password);
  g_assert_cmpstr (cupel_url_get_host (url), ==, row->host);
  g_assert_cmpint (cupel_url_get_port (url), ==, row->port);
  g_assert_cmpstr (cupel_url_get_database (url), ==, row->database);
  options = join_options (url);
  g_assert_cmpstr (options, ==, row->options);
  g_assert_null (cupel_url_get_option (url, "no-such-option"));

  printed = cupel_url_to_string (url);
  g_assert_cmpstr (printed, ==, row->printed != NULL ? row->printed : row->url);
  again = cupel_url_new (printed, &error);
  g_assert_no_error (error);
  check_equal (url, again);
}

static void
test_bad (gconstpointer data)
{
  const Bad *row = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) url = cupel_url_new (row->url, &error);

  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
  g_assert_null (url);
  if (strstr (error->message, row->says) == NULL)
    g_test_message ("the message is: %s", error->message);
  g_assert_nonnull (strstr (error->message, row->says));
  g_assert_null (strstr (error->message, CANARY));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

/* No piece of four bytes of a password, wherever it is cut by a character that was not encoded. */
static void
test_no_piece_in_messages (void)
{
  static const char secret[] = "qzXvJkWyPbGmNdRt";
  const char *const cuts = ":/?#@%[]&=;, \\\"'<>^`{|}\n\x7f\xff";
  guint n_errors = 0;

  for (const char *cut = cuts; *cut != '\0'; cut++)
    for (gsize at = 0; at <= strlen (secret); at++)
      for (gsize form = 0; form < 3; form++)
        {
          static const char *const before[] = { "postgresql://user:", "postgresql://", "" };
          g_autofree char *text = g_strdup_printf ("%s%.*s%c%s@host/db", before[form], (int) at, secret, *cut, secret + at);
          g_autoptr(GError) error = NULL;
          g_autoptr(CupelUrl) url = cupel_url_new (text, &error);

          if (url != NULL)
            continue;
          n_errors++;
          for (gsize i = 0; i + 4 <= strlen (secret); i++)
            {
              g_autofree char *piece = g_strndup (secret + i, 4);

              g_assert_null (strstr (error->message, piece));
            }
        }

  g_assert_cmpuint (n_errors, >, 300);
}

/* Lists of hosts: libpq's form, each host with a port of its own. */
static void
test_hosts (void)
{
  g_autoptr(CupelUrl) url = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *printed = NULL;
  int port;

  url = cupel_url_new ("postgresql://me:x@db1:5432,DB2,[::1]:5433,10.0.0.7/shop?port=6000&target=primary", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cupel_url_get_n_hosts (url), ==, 4);
  g_assert_cmpstr (cupel_url_get_nth_host (url, 0, &port), ==, "db1");
  g_assert_cmpint (port, ==, 5432);
  g_assert_cmpstr (cupel_url_get_nth_host (url, 1, &port), ==, "DB2");
  g_assert_cmpint (port, ==, 6000);
  g_assert_cmpstr (cupel_url_get_nth_host (url, 2, &port), ==, "::1");
  g_assert_cmpint (port, ==, 5433);
  g_assert_cmpstr (cupel_url_get_nth_host (url, 3, &port), ==, "10.0.0.7");
  g_assert_cmpint (port, ==, 6000);
  g_assert_cmpstr (cupel_url_get_host (url), ==, "db1");
  printed = cupel_url_to_string (url);
  g_assert_cmpstr (printed, ==, "postgresql://me:***@db1:5432,DB2:6000,[::1]:5433,10.0.0.7:6000/shop?target=primary");

  g_clear_pointer (&url, cupel_url_unref);
  url = cupel_url_new ("sqlite:///x", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cupel_url_get_n_hosts (url), ==, 0);

  g_clear_pointer (&url, cupel_url_unref);
  {
    g_autoptr(GString) many = g_string_new ("mysql://h");

    for (guint i = 0; i < 64; i++)
      g_string_append (many, ",h");
    url = cupel_url_new (many->str, &error);
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
  }
}

static char *
random_text (gboolean with_slash)
{
  static const char *const pieces[] = { "a", "Z", "0", ":", "@", "%", "?", "&", "=", "#", "[", "]", ",", ";", " ", "+", "\\", "'",
                                        "\"", "ß", "日", "😀", "***", "." };
  GString *text = g_string_new (NULL);
  guint n = (guint) g_test_rand_int_range (1, 12);

  for (guint i = 0; i < n; i++)
    g_string_append (text, with_slash && i % 3 == 2 ? "/" : pieces[g_test_rand_int_range (0, G_N_ELEMENTS (pieces))]);
  return g_string_free (text, FALSE);
}

/* What is put in escaped comes out as it was, and once more through the text of the URL. */
static void
test_random_round_trip (void)
{
  static const char *const hosts[] = { "h", "db-1.example.org", "10.0.0.1", "[fe80::1]", "a_b" };

  for (guint round = 0; round < scale (3000, 200); round++)
    {
      g_autofree char *user = random_text (TRUE);
      g_autofree char *password = random_text (TRUE);
      g_autofree char *database = random_text (TRUE);
      g_autofree char *value = random_text (TRUE);
      g_autoptr(GString) text = g_string_new ("postgresql+libpq://");
      g_autoptr(CupelUrl) url = NULL;
      g_autoptr(CupelUrl) again = NULL;
      g_autofree char *printed = NULL;
      g_autoptr(GError) error = NULL;
      guint n_hosts = (guint) g_test_rand_int_range (1, 4);

      g_string_append_uri_escaped (text, user, NULL, FALSE);
      g_string_append_c (text, ':');
      g_string_append_uri_escaped (text, password, NULL, FALSE);
      g_string_append_c (text, '@');
      for (guint i = 0; i < n_hosts; i++)
        {
          g_string_append_printf (text, "%s%s", i > 0 ? "," : "", hosts[g_test_rand_int_range (0, G_N_ELEMENTS (hosts))]);
          if (g_test_rand_bit ())
            g_string_append_printf (text, ":%d", g_test_rand_int_range (1, 65536));
        }
      g_string_append_c (text, '/');
      g_string_append_uri_escaped (text, database, NULL, FALSE);
      g_string_append (text, "?name=");
      g_string_append_uri_escaped (text, value, NULL, FALSE);

      url = cupel_url_new (text->str, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (cupel_url_get_user (url), ==, user);
      g_assert_cmpstr (cupel_url_get_password (url), ==, password);
      g_assert_cmpstr (cupel_url_get_database (url), ==, database);
      g_assert_cmpstr (cupel_url_get_option (url, "name"), ==, value);
      g_assert_cmpuint (cupel_url_get_n_hosts (url), ==, n_hosts);
      printed = cupel_url_to_string (url);
      again = cupel_url_new (printed, &error);
      g_assert_no_error (error);
      check_equal (url, again);
      for (guint i = 0; i < n_hosts; i++)
        {
          int port, port_again;

          g_assert_cmpstr (cupel_url_get_nth_host (url, i, &port), ==, cupel_url_get_nth_host (again, i, &port_again));
          g_assert_cmpint (port, ==, port_again);
        }
    }
}

static void
test_ref (void)
{
  g_autoptr(CupelUrl) url = cupel_url_new ("postgresql://u:" CANARY "@h/d", NULL);
  g_autofree char *printed = NULL;
  GValue value = G_VALUE_INIT;

  g_value_init (&value, CUPEL_TYPE_URL);
  g_value_set_boxed (&value, url);
  g_assert_true (g_value_get_boxed (&value) == url);
  g_value_unset (&value);

  g_assert_cmpstr (cupel_url_get_password (url), ==, CANARY);
  printed = cupel_url_to_string (url);
  g_assert_null (strstr (printed, CANARY));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *path = g_strdup_printf ("/url/good/%" G_GSIZE_FORMAT, i + 1);

      g_test_add_data_func (path, &good[i], test_good);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *path = g_strdup_printf ("/url/bad/%" G_GSIZE_FORMAT, i + 1);

      g_test_add_data_func (path, &bad[i], test_bad);
    }
  g_test_add_func ("/url/no-piece-in-messages", test_no_piece_in_messages);
  g_test_add_func ("/url/hosts", test_hosts);
  g_test_add_func ("/url/random-round-trip", test_random_round_trip);
  g_test_add_func ("/url/ref", test_ref);

  return g_test_run ();
}
