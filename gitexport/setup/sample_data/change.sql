-- What a run of the ETL does to the users who opened or closed notes since the last one.

UPDATE dwh.datamartusers
SET history_whole_open = history_whole_open + 3,
    history_year_open = history_year_open + 3,
    history_month_open = history_month_open + 3,
    history_day_open = 3,
    history_whole_closed = history_whole_closed + 1,
    notes_resolved_count = notes_resolved_count + 1,
    days_since_last_action = 0,
    is_active = true
WHERE user_id IN (
    SELECT user_id FROM dwh.datamartusers ORDER BY (user_id::bigint * 2654435761) % 1000003, user_id LIMIT {users}
);
