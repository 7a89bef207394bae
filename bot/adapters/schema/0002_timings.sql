-- How long fal took lately, and the turns given lately: what the line goes on from after a restart.

CREATE TABLE timings (
    number INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    resolution TEXT NOT NULL, -- empty where the endpoint has none
    images INTEGER NOT NULL CHECK (images > 0),
    seconds REAL NOT NULL CHECK (seconds > 0) -- from submission to completion
) STRICT;

CREATE INDEX timings_of_kind ON timings (endpoint, resolution, images, number);

-- The newest 50 of each kind; `RECENT` in bot/domain/eta.py looks at no more.
CREATE TRIGGER timings_stay_few AFTER INSERT ON timings
BEGIN
    DELETE FROM timings
    WHERE endpoint = new.endpoint AND resolution = new.resolution AND images = new.images AND number <= (
        SELECT number FROM timings
        WHERE endpoint = new.endpoint AND resolution = new.resolution AND images = new.images
        ORDER BY number DESC LIMIT 1 OFFSET 50
    );
END;

-- The turns given lately, without a look at the rows of the jobs.
CREATE INDEX jobs_by_submission ON jobs (submitted_at, scope, member_id, credits, created_at)
    WHERE submitted_at IS NOT NULL;
