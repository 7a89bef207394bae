-- Editing as a conversation: the tree of edits, baskets, personal defaults.

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

-- What members usually want, in every server; whose pictures are their own stands above.
CREATE TABLE preferences (
    member_id INTEGER PRIMARY KEY,
    preferences_json TEXT NOT NULL CHECK (json_valid(preferences_json))
) STRICT;
