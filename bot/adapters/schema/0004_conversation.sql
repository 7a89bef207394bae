-- Editing as a conversation: the tree of edits, baskets, personal defaults.

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
-- Orders by messages have no interaction: their progress is a message of the channel.
ALTER TABLE jobs ADD COLUMN notice_id INTEGER; -- that message, once it is known

-- The tree of edits: whose image a job changes.
ALTER TABLE jobs ADD COLUMN parent_id TEXT GENERATED ALWAYS AS (json_extract(order_json, '$.parent.job_id')) VIRTUAL;
CREATE INDEX jobs_of_parent ON jobs (parent_id, number) WHERE parent_id IS NOT NULL;

-- A result that people deleted is not brought back.
ALTER TABLE jobs ADD COLUMN deleted_at REAL; -- unix seconds
CREATE INDEX jobs_by_message ON jobs (message_id) WHERE message_id IS NOT NULL;

-- Members who let nobody else edit the pictures that they post.
CREATE TABLE picture_keepers (
    member_id INTEGER PRIMARY KEY
) STRICT;
