-- Jobs and their books.

CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of arrival
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (
        state IN ('held', 'submitting', 'queued', 'rendered', 'delivered', 'failed', 'cancelled', 'lost')
    ),
    scope TEXT NOT NULL, -- whose books: guild:<id> or person:<id>
    member_id INTEGER NOT NULL,
    credits INTEGER NOT NULL CHECK (credits > 0), -- held
    charged INTEGER CHECK (charged >= 0), -- settled; NULL while open
    order_json TEXT NOT NULL CHECK (json_valid(order_json)),
    request_json TEXT NOT NULL CHECK (json_valid(request_json)),
    reply_json TEXT CHECK (reply_json IS NULL OR json_valid(reply_json)), -- without the token
    reply_token BLOB, -- sealed
    ticket_json TEXT CHECK (ticket_json IS NULL OR json_valid(ticket_json)),
    pictures_json TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(pictures_json)),
    message_id INTEGER, -- the final message
    error TEXT CHECK (error IS NULL OR json_valid(error)), -- what went wrong: its code and fields
    cancel_wanted INTEGER NOT NULL DEFAULT 0 CHECK (cancel_wanted IN (0, 1)),
    retried INTEGER NOT NULL DEFAULT 0 CHECK (retried IN (0, 1)), -- its one free retry was used
    wasted INTEGER NOT NULL DEFAULT 0 CHECK (wasted >= 0), -- credits of that first try, in the operator's book alone
    units REAL, -- fal's billable units of the result
    told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)), -- the last word was said
    created_at REAL NOT NULL, -- unix seconds, like every _at
    submitted_at REAL,
    rendered_at REAL,
    -- what has a ticket was submitted; what was rendered has its pictures
    CHECK (state <> 'queued' OR ticket_json IS NOT NULL),
    CHECK (state NOT IN ('rendered', 'delivered') OR (rendered_at IS NOT NULL AND pictures_json <> '[]')),
    CHECK (state <> 'delivered' OR message_id IS NOT NULL)
) STRICT;

CREATE INDEX jobs_unfinished ON jobs (number) WHERE state IN ('held', 'submitting', 'queued', 'rendered', 'lost');
CREATE INDEX jobs_untold ON jobs (number) WHERE told = 0 AND state IN ('delivered', 'failed', 'cancelled');
CREATE INDEX jobs_in_flight ON jobs (scope, member_id) WHERE state IN ('held', 'submitting', 'queued');
CREATE INDEX jobs_wasting ON jobs (wasted)
    WHERE wasted > 0 AND state IN ('held', 'submitting', 'queued', 'lost');
CREATE INDEX jobs_by_request ON jobs (json_extract(ticket_json, '$.request_id'));
CREATE INDEX jobs_of_member ON jobs (member_id, number);
CREATE INDEX jobs_with_files ON jobs (rendered_at) WHERE state IN ('rendered', 'delivered');

-- Two books: what the customer (member and server) pays, and what the operator (perhaps) paid fal. Rows are only added.
CREATE TABLE ledger (
    entry INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    book TEXT NOT NULL CHECK (book IN ('customer', 'operator')),
    kind TEXT NOT NULL CHECK (kind IN ('hold', 'settle', 'release')),
    credits INTEGER NOT NULL, -- the change: a hold adds, a release takes all of it back, a settle corrects it
    scope TEXT NOT NULL,
    member_id INTEGER NOT NULL,
    day TEXT NOT NULL CHECK (day GLOB '????-??-??'), -- the UTC day of the hold, also on what closes it
    at REAL NOT NULL,
    CHECK (kind <> 'hold' OR credits > 0),
    CHECK (kind <> 'release' OR credits < 0),
    CHECK (kind <> 'settle' OR book = 'operator' OR credits <= 0), -- a customer never pays more than was held
    UNIQUE (job_id, book, kind)
) STRICT;

CREATE UNIQUE INDEX ledger_closed_once ON ledger (job_id, book) WHERE kind <> 'hold';

CREATE TRIGGER ledger_is_append_only_update BEFORE UPDATE ON ledger
BEGIN
    SELECT raise(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_is_append_only_delete BEFORE DELETE ON ledger
BEGIN
    SELECT raise(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_is_append_only_replace BEFORE INSERT ON ledger
BEGIN
    SELECT raise(ABORT, 'the ledger is append-only')
    WHERE EXISTS (
        SELECT 1 FROM ledger AS old
        WHERE old.entry = new.entry OR (
            old.job_id = new.job_id AND old.book = new.book
            AND (old.kind = new.kind OR (old.kind <> 'hold' AND new.kind <> 'hold'))
        )
    );
END;

CREATE TRIGGER ledger_closes_what_is_held BEFORE INSERT ON ledger WHEN new.kind <> 'hold'
BEGIN
    SELECT raise(ABORT, 'nothing of this kind is held')
    WHERE NOT EXISTS (
        SELECT 1 FROM ledger AS held
        WHERE held.job_id = new.job_id AND held.book = new.book AND held.kind = 'hold'
            AND held.day = new.day AND held.scope = new.scope AND held.member_id = new.member_id
            AND CASE new.kind WHEN 'release' THEN held.credits = -new.credits ELSE held.credits + new.credits >= 0 END
    );
END;

-- Sums of the ledger, kept by it alone: what each account used in each window.
CREATE TABLE spending (
    account TEXT NOT NULL, -- operator, scope:<scope> or member:<scope>:<member>
    period TEXT NOT NULL, -- a UTC day or month
    credits INTEGER NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (account, period)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER ledger_adds_to_the_operator AFTER INSERT ON ledger WHEN new.book = 'operator'
BEGIN
    INSERT OR IGNORE INTO spending VALUES ('operator', substr(new.day, 1, 7), 0);
    UPDATE spending SET credits = credits + new.credits
    WHERE account = 'operator' AND period = substr(new.day, 1, 7);
END;

CREATE TRIGGER ledger_adds_to_the_customer AFTER INSERT ON ledger WHEN new.book = 'customer'
BEGIN
    INSERT OR IGNORE INTO spending VALUES
        ('scope:' || new.scope, new.day, 0),
        ('scope:' || new.scope, substr(new.day, 1, 7), 0),
        ('member:' || new.scope || ':' || new.member_id, new.day, 0);
    UPDATE spending SET credits = credits + new.credits
    WHERE account = 'scope:' || new.scope AND period IN (new.day, substr(new.day, 1, 7));
    UPDATE spending SET credits = credits + new.credits
    WHERE account = 'member:' || new.scope || ':' || new.member_id AND period = new.day;
END;

-- Small facts of the bot itself, such as the hash of the registered commands.
CREATE TABLE notes (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
