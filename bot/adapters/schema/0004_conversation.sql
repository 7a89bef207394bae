-- Editing as a conversation: forms, baskets, the tree of edits, personal defaults, history.

-- Forms and baskets.

CREATE TABLE drafts (
    id TEXT PRIMARY KEY,
    draft_json TEXT NOT NULL CHECK (json_valid(draft_json)),
    until REAL NOT NULL -- unix seconds, like every _at
) STRICT, WITHOUT ROWID;

CREATE INDEX drafts_until ON drafts (until);

CREATE TABLE baskets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- a button of an old message must not meet another picture
    scope TEXT NOT NULL,
    member_id INTEGER NOT NULL,
    place INTEGER NOT NULL, -- the order in the basket; gaps are well
    address TEXT NOT NULL, -- without its signature, which differs from one look to the next
    reference_json TEXT NOT NULL CHECK (json_valid(reference_json)),
    added_at REAL NOT NULL,
    UNIQUE (scope, member_id, address)
) STRICT;

CREATE INDEX baskets_in_order ON baskets (scope, member_id, place);
CREATE INDEX baskets_added ON baskets (added_at);
CREATE INDEX baskets_of_member ON baskets (member_id);
-- Orders by messages have no interaction: their progress is a message of the channel.
ALTER TABLE jobs ADD COLUMN notice_id INTEGER; -- that message, once it is known

-- A result that people deleted is not brought back.
ALTER TABLE jobs ADD COLUMN deleted_at REAL; -- unix seconds
CREATE INDEX jobs_by_message ON jobs (message_id) WHERE message_id IS NOT NULL;

-- Members who let nobody else edit the pictures that they post.
CREATE TABLE picture_keepers (
    member_id INTEGER PRIMARY KEY
) STRICT;

-- What members usually want, in every server; whose pictures are their own stands above.
CREATE TABLE preferences (
    member_id INTEGER PRIMARY KEY,
    preferences_json TEXT NOT NULL CHECK (json_valid(preferences_json))
) STRICT;

-- /history: a member's finished orders, newest first, and the words of their prompts.
CREATE INDEX jobs_of_history ON jobs (member_id, scope, number) WHERE state IN ('rendered', 'delivered');

-- `owner` is one token for member and scope, so that a search meets nobody else's words.
CREATE VIRTUAL TABLE prompts USING fts5 (prompt, owner, tokenize = 'unicode61 remove_diacritics 2');

INSERT INTO prompts (rowid, prompt, owner)
SELECT
    number,
    coalesce(json_extract(order_json, '$.caption'), json_extract(order_json, '$.prompt')),
    'm' || member_id || replace(scope, ':', '')
FROM jobs;

CREATE TRIGGER prompts_of_new_jobs AFTER INSERT ON jobs
BEGIN
    INSERT INTO prompts (rowid, prompt, owner) VALUES (
        new.number,
        coalesce(json_extract(new.order_json, '$.caption'), json_extract(new.order_json, '$.prompt')),
        'm' || new.member_id || replace(new.scope, ':', '')
    );
END;

CREATE TRIGGER prompts_of_changed_jobs AFTER UPDATE OF order_json ON jobs WHEN new.order_json <> old.order_json
BEGIN
    UPDATE prompts SET
        prompt = coalesce(json_extract(new.order_json, '$.caption'), json_extract(new.order_json, '$.prompt')),
        owner = 'm' || new.member_id || replace(new.scope, ':', '')
    WHERE rowid = new.number;
END;

CREATE TRIGGER prompts_of_gone_jobs AFTER DELETE ON jobs
BEGIN
    DELETE FROM prompts WHERE rowid = old.number;
END;
