-- Everything that is odd about a database and healthy all the same; the role odd_reader must be there.
CREATE SCHEMA "odd ""name";
CREATE TYPE mood AS ENUM ('well','ill');
CREATE DOMAIN addr AS text CHECK (VALUE IN ('a','b@'));
CREATE TYPE pair AS (a int, b text);
CREATE TYPE empty_pair AS (x float8);
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE TABLE every (id int PRIMARY KEY, i2 int2, i8 int8, n numeric, n2 numeric(10,3), f4 float4, f8 float8, m money, b bool, c1 "char", ch char(5), bp bpchar, vc varchar(10), t text, nm name,
 by bytea, d date, ti time, tz timetz, ts timestamp, tsz timestamptz, iv interval, uu uuid, ine inet, ci cidr, ma macaddr, ma8 macaddr8, bi bit(4), vb varbit, js json, jb jsonb, jp jsonpath, x xml,
 po point, ln line, ls lseg, bx box, pa path, pg polygon, ck circle, tsv tsvector, tsq tsquery, lsn pg_lsn, snap pg_snapshot, o oid, rc regclass, x8 xid8,
 ia int[], ta text[], na numeric[], r4 int4range, rn numrange, tr tstzrange, mr int4multirange, mo mood, moa mood[], a addr, p pair, pp pair[], fr floatrange, ep empty_pair,
 g numeric GENERATED ALWAYS AS (n * 2) STORED, q int, hash text, sf int[]);
INSERT INTO every VALUES (1,2,3,1.00,4.500,'-0','0.1','12.34',true,'x','ab','cd  ','ef','Gh','nm','\xdead','2026-01-01','12:00','12:00+02','2026-01-01 1:2:3.456789','2026-01-01 1:2:3+05','1 mon 2 days 03:04:05.6','00000000-0000-0000-0000-000000000001','10.0.0.1/8','10.0.0.0/8','08:00:2b:01:02:03','08:00:2b:01:02:03:04:05',B'1010',B'10','{"a": 1,  "b":2}','{"a":7.0}','$.a',NULL,
 '(1,2)','{1,2,3}','[(0,0),(1,1)]','(1,1),(0,0)','((0,0),(1,1))','((0,0),(1,1),(1,0))','<(0,0),1>','a:1 b','a & b','0/16B3740','10:20:10,14',42,'every','99',
 '{1,2}','{a,NULL,"b c"}','{1.0,2.00}','[1,5)','[1.0,2.50]','[2026-01-01,2026-02-01)','{[1,2),[5,6)}','ill','{well,ill}','a','(1,"x y")','{"(1,a)","(2,b)"}','[1.5,2.5]','(-0)',DEFAULT,5,'h','[5:6]={1,2}');
INSERT INTO every (id, ep, f8, f4) VALUES (2, ROW(NULL), 'NaN', 'Infinity'), (3, NULL, '-0', 'NaN');
INSERT INTO every (id, f8) SELECT 4, 'inf'::float8 - 1;
CREATE TABLE "odd ""name"."T q" ("q" int, "Q" pair, "hash" text, "a""b" text, position int);
INSERT INTO "odd ""name"."T q" VALUES (1,'(1,q)','h','z',1),(2,'(2,q)','h','z',2);
CREATE TABLE bare ();
INSERT INTO bare DEFAULT VALUES; INSERT INTO bare DEFAULT VALUES;
CREATE TABLE parent (a int NOT NULL DEFAULT 3, s varchar(20) NOT NULL DEFAULT 'x' CHECK (s IN ('x','y')));
CREATE TABLE child (own int) INHERITS (parent);
ALTER TABLE parent ADD later text DEFAULT 'l';
INSERT INTO parent VALUES (1,'x','p'); INSERT INTO child VALUES (2,'y',7,'c');
CREATE TABLE ev (id int, made date, who int, PRIMARY KEY (id, made)) PARTITION BY RANGE (made);
CREATE TABLE ev26 PARTITION OF ev FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE ev27 (who int, made date NOT NULL, id int NOT NULL);
ALTER TABLE ev ATTACH PARTITION ev27 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
CREATE INDEX ON ev (who);
INSERT INTO ev VALUES (1,'2026-03-03',1),(2,'2027-03-03',1);
CREATE TABLE refs (id int, made date, FOREIGN KEY (id, made) REFERENCES ev);
CREATE UNLOGGED TABLE unlog AS SELECT 1 AS one;
CREATE TABLE dropped (a int, b int, c int); ALTER TABLE dropped DROP b; INSERT INTO dropped VALUES (1,2);
CREATE VIEW v1 AS SELECT id, n, upper(t) AS u, CASE WHEN i8 > 3 THEN 'x' ELSE vc END FROM every WHERE vc IN ('a','ef') AND d > '2020-01-01' ORDER BY id;
CREATE VIEW v2 AS SELECT e.id, p.s, count(*) OVER (PARTITION BY p.s) FROM every e LEFT JOIN parent p ON p.a = e.id WHERE EXISTS (SELECT FROM child c WHERE c.own = e.id);
CREATE VIEW v3 AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < 5) SELECT r.n, extract(year FROM now()) AS y, (SELECT max(id) FROM every) AS m FROM r;
CREATE VIEW v4 AS SELECT (p).a AS pa_, every.* FROM every WHERE tsz AT TIME ZONE 'UTC' > '2020-01-01'::timestamp AND vc LIKE 'a%';
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM every; CREATE MATERIALIZED VIEW mv0 AS SELECT 1 AS x WITH NO DATA;
CREATE UNIQUE INDEX ON mv (count);
CREATE FUNCTION f(a int DEFAULT 1, b text DEFAULT 'x'::varchar) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION fa(k int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM every WHERE id = k; END;
CREATE FUNCTION tg() RETURNS trigger LANGUAGE plpgsql SET search_path TO public, pg_temp AS 'BEGIN RETURN NEW; END';
CREATE PROCEDURE pr() LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int);
CREATE TRIGGER t1 BEFORE UPDATE OF n ON every FOR EACH ROW WHEN (OLD.n IS DISTINCT FROM NEW.n) EXECUTE FUNCTION tg();
CREATE TRIGGER t2 AFTER INSERT ON ev FOR EACH ROW EXECUTE FUNCTION tg();
ALTER TABLE every DISABLE TRIGGER t1;
CREATE TABLE rls (id int, who text); ALTER TABLE rls ENABLE ROW LEVEL SECURITY; CREATE POLICY pol ON rls FOR SELECT TO odd_reader USING (who = current_user AND who IN ('a','b'));
CREATE RULE ru AS ON INSERT TO dropped DO ALSO NOTIFY x;
CREATE STATISTICS st (ndistinct) ON n, d FROM every; 
CREATE PUBLICATION pub FOR TABLE every, parent;
CREATE SEQUENCE s1; SELECT nextval('s1'); CREATE SEQUENCE s2 INCREMENT -2 MAXVALUE 10 START 10; CREATE SEQUENCE s3; SELECT setval('s3', 50, false); CREATE SEQUENCE s4;
CREATE TABLE idt (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, se serial, v varchar(9) DEFAULT 'a'::text, ts timestamp(3) without time zone DEFAULT now());
INSERT INTO idt DEFAULT VALUES;
CREATE INDEX part ON every (lower(vc)) WHERE vc IN ('a','b') AND n2 > 1;
CREATE INDEX incl ON every (i8 DESC NULLS LAST) INCLUDE (i2);
CREATE UNIQUE INDEX nd ON idt (v) NULLS NOT DISTINCT;
ALTER TABLE idt ADD CONSTRAINT nv CHECK (se > 0) NOT VALID;
ALTER TABLE every ADD CONSTRAINT lst CHECK (vc = ANY (ARRAY['ef','x']) AND (n > 0 OR n IS NULL) AND q BETWEEN 1 AND 9);
ALTER TABLE every ADD CONSTRAINT ex EXCLUDE USING gist (r4 WITH &&);
COMMENT ON TABLE every IS 'Everything'; COMMENT ON COLUMN every.n IS 'n'; COMMENT ON FUNCTION f IS 'ff';
GRANT SELECT ON every TO odd_reader; GRANT ALL ON parent TO odd_reader; GRANT SELECT (a) ON child TO odd_reader; GRANT USAGE ON SCHEMA "odd ""name" TO odd_reader; REVOKE EXECUTE ON FUNCTION f FROM public;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO odd_reader;
CREATE CAST (mood AS text) WITH INOUT;
CREATE TEXT SEARCH CONFIGURATION tsc (COPY = simple);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
SELECT lo_from_bytea(5001, repeat('abc', 1000000)::bytea); SELECT lo_create(5002); SELECT lo_from_bytea(5003, repeat('x', 1048576)::bytea);
