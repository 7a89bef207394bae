-- The operator: servers and their caps, what was used, notices, and people who asked to be forgotten.

CREATE TABLE servers (
    guild_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL DEFAULT '',
    joined_at REAL, -- unix seconds, like every _at
    left_at REAL, -- NULL while the bot is in it
    monthly INTEGER CHECK (monthly >= 0), -- the operator's cap in credits; NULL: the default of the settings
    suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)),
    allowed INTEGER NOT NULL DEFAULT 0 CHECK (allowed IN (0, 1)), -- counts where the allow list is on
    leave_wanted INTEGER NOT NULL DEFAULT 0 CHECK (leave_wanted IN (0, 1)) -- the running bot does it, and sets it back
) STRICT;

CREATE INDEX servers_to_leave ON servers (guild_id) WHERE leave_wanted = 1;
CREATE INDEX servers_left ON servers (left_at) WHERE left_at IS NOT NULL;

-- What the operator says to all log channels; the running bot posts it.
CREATE TABLE notices (
    number INTEGER PRIMARY KEY,
    said TEXT NOT NULL,
    made_at REAL NOT NULL,
    posted_at REAL
) STRICT;

CREATE INDEX notices_to_post ON notices (number) WHERE posted_at IS NULL;

-- Who asked to be forgotten; a row goes when it is done.
CREATE TABLE erasures (
    member_id INTEGER PRIMARY KEY,
    wanted_at REAL NOT NULL
) STRICT;

ALTER TABLE jobs ADD COLUMN erased_at REAL; -- its words, pictures and person are gone; the books stay
CREATE INDEX jobs_by_age ON jobs (created_at) WHERE erased_at IS NULL;
CREATE INDEX jobs_of_scope ON jobs (scope, number);

-- An entry may forget its person, and nothing else: a stand-in is negative, a Discord id never is.
DROP TRIGGER ledger_is_append_only_update;
CREATE TRIGGER ledger_is_append_only_update
BEFORE UPDATE OF entry, job_id, book, kind, credits, scope, day, at ON ledger
BEGIN
    SELECT raise(ABORT, 'the ledger is append-only');
END;
CREATE TRIGGER ledger_forgets_persons_only BEFORE UPDATE OF member_id ON ledger
WHEN new.member_id >= 0 OR old.member_id < 0
BEGIN
    SELECT raise(ABORT, 'the ledger is append-only');
END;

-- The operator's book by day, too: the forecast asks for it.
CREATE TRIGGER ledger_adds_to_the_operators_day AFTER INSERT ON ledger WHEN new.book = 'operator'
BEGIN
    INSERT OR IGNORE INTO spending VALUES ('operator', new.day, 0);
    UPDATE spending SET credits = credits + new.credits WHERE account = 'operator' AND period = new.day;
END;
INSERT INTO spending SELECT 'operator', day, sum(credits) FROM ledger WHERE book = 'operator' GROUP BY day;
CREATE INDEX spending_by_period ON spending (period, account);

-- What was used, a row for a member, a model and a day of a server: /usage reads no jobs.
CREATE TABLE usage (
    scope TEXT NOT NULL,
    day TEXT NOT NULL CHECK (day GLOB '????-??-??'), -- the UTC day of the order
    member_id INTEGER NOT NULL,
    model TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0, -- orders that yielded images
    images INTEGER NOT NULL DEFAULT 0,
    credits INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0, -- from order to images, of all delivered ones together
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, day, member_id, model)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_of_member ON usage (member_id, day);

CREATE TRIGGER jobs_count_as_usage AFTER UPDATE OF state ON jobs
WHEN old.state <> new.state AND new.state IN ('rendered', 'failed', 'cancelled')
BEGIN
    INSERT OR IGNORE INTO usage (scope, day, member_id, model) VALUES
        (new.scope, date(new.created_at, 'unixepoch'), new.member_id, json_extract(new.order_json, '$.model'));
    UPDATE usage SET
        delivered = delivered + (new.state = 'rendered'),
        images = images + CASE new.state WHEN 'rendered' THEN json_array_length(new.pictures_json) ELSE 0 END,
        credits = credits + coalesce(new.charged, 0),
        seconds = seconds + CASE new.state WHEN 'rendered' THEN new.rendered_at - new.created_at ELSE 0 END,
        failed = failed + (new.state = 'failed'),
        cancelled = cancelled + (new.state = 'cancelled')
    WHERE scope = new.scope AND day = date(new.created_at, 'unixepoch') AND member_id = new.member_id
        AND model = json_extract(new.order_json, '$.model');
END;

INSERT INTO usage
SELECT
    scope, date(created_at, 'unixepoch') AS day, member_id, json_extract(order_json, '$.model') AS model,
    sum(state IN ('rendered', 'delivered')),
    sum(CASE WHEN state IN ('rendered', 'delivered') THEN json_array_length(pictures_json) ELSE 0 END),
    sum(coalesce(charged, 0)),
    sum(CASE WHEN state IN ('rendered', 'delivered') THEN rendered_at - created_at ELSE 0 END),
    sum(state = 'failed'), sum(state = 'cancelled')
FROM jobs
GROUP BY scope, day, member_id, model;

-- How often the desk said no, and why.
CREATE TABLE refusals (
    scope TEXT NOT NULL,
    day TEXT NOT NULL CHECK (day GLOB '????-??-??'),
    member_id INTEGER NOT NULL,
    code TEXT NOT NULL, -- of the error
    times INTEGER NOT NULL,
    PRIMARY KEY (scope, day, member_id, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX refusals_of_member ON refusals (member_id, day);
