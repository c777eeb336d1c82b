CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');

CREATE TABLE people (
    id bigint PRIMARY KEY,
    name text,
    score numeric,
    ratio float8,
    born date,
    seen timestamptz,
    span interval,
    raw bytea,
    tags text[],
    meta jsonb,
    loose json,
    feeling mood
);

INSERT INTO people VALUES
    (1, 'Ann', 1.10, 'NaN', '1970-01-01', '2026-01-02 03:04:05.678+02', '1 mon 3 days', '\x00ff',
     '{a,NULL,"b c"}', '{"z": 1, "a": [1.50, 12345678901234567890.12345]}', '{"b": 1e2, "a": "\u00e9"}', 'ok'),
    (42, E'Zo\u00EB "quoted"\n\ttabs \\ \x7F', 1e40, '-0', 'infinity', '-infinity', '-1 year',
     '', '{}', '{}', '[]', 'happy'),
    (-7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (4096, '𝕌 ' || chr(8232), 0.000, 1e300, '0044-03-15 BC', '12026-01-01Z', 'P1Y2M3DT4H5M6.5S',
     '\xdeadbeef', '{{1,2},{3,4}}', 'true', '"text"', 'sad');

CREATE TABLE pairs (
    a text,
    b int,
    note text,
    PRIMARY KEY (a, b)
);

INSERT INTO pairs VALUES
    ('../x', 1, 'a path'), ('Alice', -2, 'upper case'), ('con', 3, 'a device'), ('', 4, 'empty'),
    ('é', 5, 'not ascii'), (repeat('long ', 60), 6, 'long'), ('-dash', 7, 'a dash');
