"""The queries behind the catalog, each over all wanted relations at once.

Every one takes the relations' object ids as `%(oids)s`. Names and types are rendered under
`search_path = pg_catalog`, so everything outside of it comes with its schema.

Source: PostgreSQL documentation, "System Catalogs".
"""

from __future__ import annotations

# People cannot make a schema whose name starts with `pg_`. A table has room for 1600 columns,
# and dropped ones still count.
RELATIONS = """
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relispartition,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
       c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
         OR NOT c.relispartition
            AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid),
       (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
           AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'),
       c.reloftype = 0 AND c.relnatts < 1600
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'gitexport')
"""
_BY_NAME = ' ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"'
ALL_RELATIONS = RELATIONS + _BY_NAME
RELATIONS_OF_SCHEMAS = RELATIONS + " AND n.nspname = ANY (%(schemas)s)" + _BY_NAME
_NAMED = """
   AND (n.nspname, c.relname) IN (
       SELECT w.s, w.r FROM unnest(%(schemas)s::name[], %(names)s::name[]) w(s, r))
"""
RELATIONS_BY_NAME = RELATIONS + _NAMED + _BY_NAME

COLUMNS = """
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid,
       CASE WHEN t.typtype = 'b' AND t.typcategory = 'A' AND t.typelem <> 0 THEN 'a'
            ELSE t.typtype::text END,
       a.attnotnull AND NOT EXISTS (
           SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n'
              AND NOT k.convalidated AND a.attnum = ANY (k.conkey)),
       a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), a.attidentity::text,
       CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation
            THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_collation co ON co.oid = a.attcollation
  LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
 WHERE a.attrelid = ANY (%(oids)s) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum
"""

# A deferrable or partial index, or one over an expression, does not name every row at all times.
UNIQUE_KEYS = """
SELECT i.indrelid, ic.relname, i.indisprimary, i.indimmediate,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
               JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
              WHERE k.place <= i.indnkeyatts ORDER BY k.place)
  FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
 WHERE i.indrelid = ANY (%(oids)s) AND i.indisunique AND i.indisvalid
   AND i.indpred IS NULL AND i.indexprs IS NULL
 ORDER BY i.indrelid, i.indisprimary DESC, ic.relname COLLATE "C"
"""

# Rows with a parent are what a partitioned table on either side spreads to its partitions.
# Only since PostgreSQL 15 does an action set some columns, and since 18 is there a reference to
# a period, so these are asked for by way of JSON.
FOREIGN_KEYS = """
SELECT k.conrelid, k.conname, fn.nspname, fc.relname, k.condeferrable, k.condeferred,
       k.confupdtype::text, k.confdeltype::text,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY c(attnum, place)
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum
              ORDER BY c.place),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY c(attnum, place)
               JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.attnum
              ORDER BY c.place),
       ARRAY(SELECT a.attname::text
               FROM jsonb_array_elements_text(
                      coalesce(nullif(to_jsonb(k) -> 'confdelsetcols', 'null'), '[]'))
                    WITH ORDINALITY c(attnum, place)
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum::int2
              ORDER BY c.place),
       k.confmatchtype = 'f', coalesce((to_jsonb(k) ->> 'conperiod')::bool, false)
  FROM pg_constraint k
  JOIN pg_class fc ON fc.oid = k.confrelid
  JOIN pg_namespace fn ON fn.oid = fc.relnamespace
 WHERE k.conrelid = ANY (%(oids)s) AND k.contype = 'f' AND k.conparentid = 0
 ORDER BY k.conrelid, k.conname COLLATE "C"
"""

CHECKS = """
SELECT k.conrelid, k.conname, pg_get_constraintdef(k.oid)
  FROM pg_constraint k
 WHERE k.conrelid = ANY (%(oids)s) AND k.contype = 'c'
 ORDER BY k.conrelid, k.conname COLLATE "C"
"""

PARTITIONS = """
SELECT p.oid, n.nspname, c.relname
  FROM unnest(%(oids)s::oid[]) p(oid), pg_partition_tree(p.oid) t
  JOIN pg_class c ON c.oid = t.relid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE t.relid <> p.oid
 ORDER BY p.oid, n.nspname COLLATE "C", c.relname COLLATE "C"
"""

# `reltuples` is -1 (0 before PostgreSQL 14) until the first VACUUM or ANALYZE; then the file's
# size divided by a row's width is what there is.
ESTIMATES = """
SELECT p.oid, sum(CASE
         WHEN c.relkind IN ('v', 'p') THEN 0
         WHEN c.relkind = 'f' OR c.reltuples > 0 THEN greatest(c.reltuples, 0)
         ELSE pg_relation_size(c.oid) / (28 + coalesce((
              SELECT sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END)
                FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                                      AND NOT a.attisdropped), 0)) END)::int8
  FROM unnest(%(oids)s::oid[]) p(oid)
  JOIN pg_class root ON root.oid = p.oid
  CROSS JOIN LATERAL (
       SELECT t.relid FROM pg_partition_tree(p.oid) t WHERE root.relkind = 'p'
       UNION ALL SELECT p.oid WHERE root.relkind <> 'p') m(relid)
  JOIN pg_class c ON c.oid = m.relid
 GROUP BY p.oid
"""

# Some types and every type that they need, reached through array elements, domain bases, attributes
# and ranges. `needs` lists the next ones; only types outside of pg_catalog are told.
# PostgreSQL 13 has no multiranges, so their column is asked for by way of JSON.
TYPES = """
WITH RECURSIVE needed(oid) AS (
  SELECT wanted.oid FROM unnest(%(types)s::oid[]) wanted(oid)
  UNION
  SELECT edge.target FROM needed JOIN LATERAL (
    SELECT t.typelem FROM pg_type t WHERE t.oid = needed.oid AND t.typelem <> 0
    UNION ALL
    SELECT t.typbasetype FROM pg_type t WHERE t.oid = needed.oid AND t.typbasetype <> 0
    UNION ALL
    SELECT a.atttypid FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
     WHERE t.oid = needed.oid AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = needed.oid
    UNION ALL
    SELECT (to_jsonb(r) ->> 'rngtypid')::oid FROM pg_range r
     WHERE (to_jsonb(r) ->> 'rngmultitypid')::oid = needed.oid
  ) edge(target) ON true
)
SELECT t.oid, format_type(t.oid, NULL), n.nspname,
       CASE WHEN t.typtype = 'b' AND t.typcategory = 'A' AND t.typelem <> 0 THEN 'a'
            ELSE t.typtype::text END,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
              ORDER BY e.enumsortorder),
       CASE WHEN t.typbasetype <> 0 THEN format_type(t.typbasetype, t.typtypmod) END,
       t.typnotnull, t.typdefault,
       ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
              WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname COLLATE "C"),
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE t.typtype = 'c'
                AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
              ORDER BY a.attnum),
       ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
              WHERE t.typtype = 'c'
                AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
              ORDER BY a.attnum),
       (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid),
       (SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
          FROM (SELECT t.typcollation, b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype
                UNION ALL
                SELECT r.rngcollation, b.typcollation FROM pg_range r
                  JOIN pg_type b ON b.oid = r.rngsubtype WHERE r.rngtypid = t.oid) c(own, usual)
          JOIN pg_collation co ON co.oid = c.own
          JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE c.own <> c.usual),
       e.extname, en.nspname,
       ARRAY(SELECT edge.target FROM (
         SELECT t.typelem UNION SELECT t.typbasetype
         UNION SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c'
                  AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
         UNION SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
         UNION SELECT (to_jsonb(r) ->> 'rngtypid')::oid FROM pg_range r
                WHERE (to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid
         ) edge(target) WHERE edge.target <> 0)
  FROM needed JOIN pg_type t ON t.oid = needed.oid
  JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
   AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  LEFT JOIN pg_extension e ON e.oid = d.refobjid
  LEFT JOIN pg_namespace en ON en.oid = e.extnamespace
"""
