-- Deterministic: every value follows from the row's number n, on every machine. Functions that
-- the planner cannot inline would cost minutes here, so what is repeated stands in braces.

CREATE FUNCTION pg_temp.dice(n bigint, salt integer, sides integer) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT ((n * 2654435761 + salt * 40503) % 4294967291 * 48271 % 2147483647 % sides)::integer $$;

INSERT INTO dwh.dimension_countries
SELECT n, 50000 + n * 7, 'Country ' || n, chr(65 + n % 26) || chr(65 + n / 26 % 26),
       (ARRAY['Africa', 'America', 'Asia', 'Europe', 'Oceania'])[1 + n % 5], false
FROM generate_series(1, {countries}) AS n;

INSERT INTO dwh.datamartcountries
SELECT d.country_id, n, d.country_name, 'País ' || n,
       date '2013-04-24' + pg_temp.dice(n, 1, 900), date '2013-04-25' + pg_temp.dice(n, 2, 900),
       3000000 + pg_temp.dice(n, 3, 900000), 3000000 + pg_temp.dice(n, 4, 900000),
       repeat((1000000 + pg_temp.dice(n, 20, 9000000))::text, 53), {numbers 100 168},
       json_build_array(json_build_object('rank', 1, 'hashtag', '#mapathon', 'quantity', pg_temp.dice(n, 5, 500)),
                        json_build_object('rank', 2, 'hashtag', '#país' || n % 9, 'quantity', pg_temp.dice(n, 6, 90))),
       {activity},
       jsonb_build_array(jsonb_build_object('rank', 1, 'username', 'mapper ' || pg_temp.dice(n, 7, 9999))),
       pg_temp.dice(n, 8, 90000), pg_temp.dice(n, 9, 50000), pg_temp.dice(n, 10, 80000), pg_temp.dice(n, 11, 900),
       pg_temp.dice(n, 12, 9000), pg_temp.dice(n, 13, 8000),
       pg_temp.dice(n, 14, 90000) / 100.0, pg_temp.dice(n, 15, 10000) / 100.0, pg_temp.dice(n, 16, 10000) / 100.0,
       pg_temp.dice(n, 17, 1000) / 333::double precision,
       timestamptz '2025-06-22 07:00:00+00', false
FROM generate_series(1, {countries}) AS n JOIN dwh.dimension_countries d ON d.dimension_country_id = n;

INSERT INTO dwh.dimension_users
SELECT n, n * 11 + pg_temp.dice(n, 1, 11), (ARRAY['mapper', 'Zoë', 'ポチ', 'o''neill', 'note "fan"'])[1 + n % 5] || ' ' || n, false
FROM generate_series(1, {users}) AS n;

INSERT INTO dwh.datamartusers
SELECT d.user_id, n, d.username, 50000 + 7 * (1 + pg_temp.dice(n, 2, {countries})),
       (ARRAY['Just starting', 'Casual', 'Active', 'Power user', 'Epic'])[1 + pg_temp.dice(n, 3, 5)],
       (ARRAY['first note', 'closer', 'night owl', 'polyglot'])[1:pg_temp.dice(n, 4, 5)],
       date '2013-04-24' + pg_temp.dice(n, 5, 4000),
       CASE WHEN n % 7 > 0 THEN date '2013-05-01' + pg_temp.dice(n, 6, 4000) END,
       pg_temp.dice(n, 501, 97) * 31, pg_temp.dice(n, 502, 97) * 31, pg_temp.dice(n, 503, 97) * 31, CASE WHEN n % 5 = 0 THEN pg_temp.dice(n, 504, 97) * 31 END,
       pg_temp.dice(n, 505, 97) * 900, pg_temp.dice(n, 506, 97) * 900, pg_temp.dice(n, 507, 97) * 900, CASE WHEN n % 5 = 0 THEN pg_temp.dice(n, 508, 97) * 900 END,
       repeat((1000000 + pg_temp.dice(n, 20, 9000000))::text, 53),
       timestamptz '2024-01-01 00:00:00+00' + pg_temp.dice(n, 7, 46000000) * interval '1.25 seconds',
       timestamptz '2025-06-22 07:00:00+00', pg_temp.dice(n, 8, 530),
       {dates 300}, CASE WHEN n % 7 > 0 THEN {dates 310} END,
       CASE WHEN n % 3 = 0 THEN json_build_array(
           json_build_object('rank', 1, 'hashtag', '#mapathon', 'quantity', pg_temp.dice(n, 509, 97)),
           json_build_object('rank', 2, 'hashtag', '#café', 'quantity', pg_temp.dice(n, 510, 97))) END,
       {places 320}, CASE WHEN n % 7 > 0 THEN {places 330} END,
       {activity},
       jsonb_build_array(jsonb_build_object('app', 'StreetComplete', 'count', pg_temp.dice(n, 511, 97)),
                         jsonb_build_object('app', 'OsmAnd', 'count', pg_temp.dice(n, 512, 97))),
       jsonb_build_object('mentions_given', pg_temp.dice(n, 513, 97), 'mentions_received', pg_temp.dice(n, 514, 97), 'replies', pg_temp.dice(n, 515, 97), 'score', pg_temp.dice(n, 516, 97) / 8.0),
       jsonb_build_object('0-7', pg_temp.dice(n, 517, 97), '8-30', pg_temp.dice(n, 518, 97), '31-90', pg_temp.dice(n, 519, 97), '90+', pg_temp.dice(n, 520, 97)),
       {numbers 340 24}, {numbers 370 24}, {numbers 400 7},
       pg_temp.dice(n, 501, 97) * 40 + 21, pg_temp.dice(n, 502, 97) * 30 + 17, pg_temp.dice(n, 503, 97) * 35 + 13, pg_temp.dice(n, 504, 97) * 20 + 7, pg_temp.dice(n, 505, 97),
       pg_temp.dice(n, 506, 97) * 9, pg_temp.dice(n, 507, 97) * 8, pg_temp.dice(n, 508, 97) * 7, pg_temp.dice(n, 509, 97) * 6, pg_temp.dice(n, 510, 97) / 3, pg_temp.dice(n, 511, 97) * 3, pg_temp.dice(n, 512, 97) * 2, pg_temp.dice(n, 513, 97) * 2, pg_temp.dice(n, 514, 97), pg_temp.dice(n, 515, 97) / 5,
       pg_temp.dice(n, 516, 97) / 4, pg_temp.dice(n, 517, 97) / 5, pg_temp.dice(n, 518, 97) / 6, pg_temp.dice(n, 519, 97) / 7, pg_temp.dice(n, 520, 97) / 20,
       n, CASE WHEN n % 7 > 0 THEN 1 + pg_temp.dice(n, 9, {users}) END,
       pg_temp.dice(n, 10, 90000) / 100.0, pg_temp.dice(n, 11, 90000) / 100.0, pg_temp.dice(n, 501, 97) * 30, pg_temp.dice(n, 502, 97) * 10,
       pg_temp.dice(n, 12, 10000) / 100.0, (ARRAY['StreetComplete', 'OsmAnd', 'iD', NULL])[1 + pg_temp.dice(n, 13, 4)],
       pg_temp.dice(n, 503, 97) % 5, pg_temp.dice(n, 504, 97) % 3, pg_temp.dice(n, 14, 30000) / 100.0, pg_temp.dice(n, 505, 97), pg_temp.dice(n, 15, 10000) / 100.0,
       pg_temp.dice(n, 506, 97), pg_temp.dice(n, 16, 10000) / 100.0, pg_temp.dice(n, 17, 900) / 100.0, pg_temp.dice(n, 507, 97), pg_temp.dice(n, 508, 97), pg_temp.dice(n, 509, 97), pg_temp.dice(n, 510, 97),
       pg_temp.dice(n, 18, 10000) / 7::double precision, (pg_temp.dice(n, 19, 2000) - 1000) / 8::real,
       n % 4 > 0, false
FROM generate_series(1, {users}) AS n
     JOIN dwh.dimension_users d ON d.dimension_user_id = n;

-- The number of rows is what matters, not how the values are spread.
SET LOCAL default_statistics_target = 1;
ANALYZE dwh.dimension_countries, dwh.dimension_users, dwh.datamartcountries, dwh.datamartusers;
