-- Orders that moderators have to approve.

ALTER TABLE jobs ADD COLUMN approval TEXT CHECK (approval IN ('wanted', 'given', 'refused')); -- NULL: nobody has to
ALTER TABLE jobs ADD COLUMN approval_channel_id INTEGER; -- where they are asked
ALTER TABLE jobs ADD COLUMN approval_message_id INTEGER; -- the question there
ALTER TABLE jobs ADD COLUMN approval_by INTEGER; -- the moderator who answered
ALTER TABLE jobs ADD COLUMN approval_at REAL;

CREATE INDEX jobs_answered_by ON jobs (approval_by) WHERE approval_by IS NOT NULL;

-- How fast an order was counts from its approval.
DROP TRIGGER jobs_count_as_usage;
CREATE TRIGGER jobs_count_as_usage AFTER UPDATE OF state ON jobs
WHEN old.state <> new.state AND new.state IN ('rendered', 'failed', 'cancelled')
BEGIN
    INSERT OR IGNORE INTO usage (scope, day, member_id, model) VALUES
        (new.scope, date(new.created_at, 'unixepoch'), new.member_id, json_extract(new.order_json, '$.model'));
    UPDATE usage SET
        delivered = delivered + (new.state = 'rendered'),
        images = images + CASE new.state WHEN 'rendered' THEN json_array_length(new.pictures_json) ELSE 0 END,
        credits = credits + coalesce(new.charged, 0),
        seconds = seconds + CASE new.state
            WHEN 'rendered' THEN new.rendered_at - coalesce(new.approval_at, new.created_at) ELSE 0
        END,
        failed = failed + (new.state = 'failed'),
        cancelled = cancelled + (new.state = 'cancelled')
    WHERE scope = new.scope AND day = date(new.created_at, 'unixepoch') AND member_id = new.member_id
        AND model = json_extract(new.order_json, '$.model');
END;
