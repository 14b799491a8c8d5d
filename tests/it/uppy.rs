//! `/api/uppy`: the contract of `@uppy/aws-s3`, call by call; and tickets, by every wrong way.
