-- Whose documents a user with the role patient sees, and whether the first user has been made.
-- Paired with the other engine's file of the same number; forward only.

create table user_patients (
    user_name   text not null references users (name),
    patient_id  text not null,
    primary key (user_name, patient_id)
);

-- At most one row: written in the commit that makes the first user.
create table setup (
    done     integer primary key check (done = 1),
    done_at  timestamptz not null
);
