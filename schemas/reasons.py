"""Every way a request can fail, one row each: the code DICOM puts on the wire, the HTTP status, the meaning.

`Refused` is the one exception for "this cannot be done as asked"; the doors translate it.  Whatever
else is raised is our own bug.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    code: int | None
    """(0008,1197) Failure Reason in STOW-RS, (0000,0900) Status in DIMSE; None: HTTP only."""
    http: int
    """The status when the whole request fails for this reason."""
    meaning: str


SUCCESS = 0x0000
"""Status (0000,0900) of a message that did what it was to do."""

# fmt: off
# Failures of one instance (PS3.18 I.2.2, PS3.4 Table B.2-1, PS3.7 C.4).
PROCESSING_FAILURE = Reason(0x0110, 500, "Processing failure: an error of this server's own.")
DUPLICATE          = Reason(0x0111, 409, "Another object is already stored under this SOP Instance UID.")
NOT_AN_INSTANCE    = Reason(0x0122, 409, "SOP Class not supported: it is not a composite instance.")
OUT_OF_RESOURCES   = Reason(0xA700, 507, "Out of resources: the archive has no room.")
TOO_LARGE          = Reason(0xA701, 413, "Out of resources: larger than this server takes.")
OTHER_STUDY        = Reason(0xA901, 409, "The Study Instance UID differs from the one in the URL.")
UID_MISSING        = Reason(0xA902, 409, "A UID that identifies the instance is missing or empty.")
UID_INVALID        = Reason(0xA903, 409, "A UID that identifies the instance is not a UID.")
OTHER_INSTANCE     = Reason(0xA904, 409, "The UIDs of the instance differ from those in the URL.")
NOT_AS_DESCRIBED   = Reason(0xA905, 409, "The pixel data is not what its description says.")
BREAKS_RULES       = Reason(0xA906, 409, "The data set breaks the rules, and this server was told to be strict.")
NOT_DICOM          = Reason(0xC000, 400, "Cannot understand: not a DICOM data set.")
TRUNCATED          = Reason(0xC001, 400, "Cannot understand: the data set ends too early.")
NESTED_TOO_DEEPLY  = Reason(0xC002, 400, "Cannot understand: sequences nested too deeply.")
NOT_AS_STATED      = Reason(0xC003, 409, "Cannot understand: a part is not of the media type it is said to be.")
BULK_MISSING       = Reason(0xC004, 409, "Cannot understand: a BulkDataURI leads to no part of the request.")
INCOMPLETE         = Reason(0xC005, 400, "Cannot understand: the rest of the request is malformed, or did not come.")
UNREFERENCED       = Reason(0xC006, 409, "Cannot understand: a part that no BulkDataURI of the metadata leads to.")
TRANSFER_SYNTAX    = Reason(0xC122, 409, "Transfer syntax not supported.")

# Failures that only a message over an association can have (PS3.7 C, PS3.4 Tables B.2-1, C.4-1 to C.4-3).
NO_SUCH_INSTANCE     = Reason(0x0112, 404, "No such SOP Instance.")
INVALID_ARGUMENT     = Reason(0x0115, 400, "Invalid argument value.")
INVALID_INSTANCE     = Reason(0x0117, 400, "Invalid SOP Instance: its UID is not a UID.")
CLASS_CONFLICT       = Reason(0x0119, 409, "Class-instance conflict: the SOP Instance is of another SOP Class.")
NO_SUCH_ACTION       = Reason(0x0123, 400, "No such action type.")
NOT_AUTHORISED       = Reason(0x0124, 403, "Not authorised: that role was not negotiated.")
DUPLICATE_TRANSACTION = Reason(0x0131, 409, "Duplicate transaction UID.")
DUPLICATE_MESSAGE    = Reason(0x0210, 400, "Duplicate invocation: a message with this number is still being served.")
UNRECOGNIZED_OPERATION = Reason(0x0211, 400, "Unrecognized operation for this SOP Class.")
MISTYPED_ARGUMENT    = Reason(0x0212, 400, "Mistyped argument: the message lacks what it needs, or has what it may not.")
CANNOT_COUNT         = Reason(0xA701, 500, "Out of resources: unable to calculate the number of matches.")
NO_SUB_OPERATIONS    = Reason(0xA702, 500, "Out of resources: unable to perform sub-operations.")
NO_CONTEXT           = Reason(0x0122, 406, "The peer accepted no presentation context that it can be sent in.")
DESTINATION_UNKNOWN  = Reason(0xA801, 404, "Move Destination unknown: it is none of the configured peers.")
NOT_AS_COMMAND       = Reason(0xA900, 409, "The data set does not match the SOP Class, or the SOP Instance of the message.")
BAD_IDENTIFIER       = Reason(0xA900, 400, "The identifier does not match the SOP Class.")

# Failures of a request (PS3.18 8.5).
BAD_REQUEST        = Reason(None, 400, "The request is malformed.")
BAD_QUERY          = Reason(None, 400, "The query is malformed.")
TOO_BROAD          = Reason(None, 413, "The search is too broad: it was given up after the time it may take.")
NOT_FOUND          = Reason(None, 404, "There is no such resource.")
METHOD_NOT_ALLOWED = Reason(None, 405, "This resource does not have that method.")
TIMEOUT            = Reason(None, 408, "The request stopped coming.")
GONE               = Reason(None, 410, "It was deleted.")
NOT_ACCEPTABLE     = Reason(None, 406, "None of the acceptable media types can be given.")
PRECONDITION       = Reason(None, 412, "It is not in the state that the request demands.")
UNDECODABLE        = Reason(None, 406, "The pixels cannot be decoded, so they can only be had as they are stored.")
UNSUPPORTED_MEDIA  = Reason(None, 415, "The media type of the request is not supported.")
UNSATISFIABLE      = Reason(None, 416, "None of the ranges of bytes is in it.")
NOT_IMPLEMENTED    = Reason(None, 501, "This server cannot do that.")
PICTURE_TOO_LARGE  = Reason(None, 413, "The picture would be larger than this server renders.")
UNRENDERABLE       = Reason(None, 500, "The instance is stored, but what it holds cannot be rendered.")
BUSY               = Reason(None, 503, "Too many pictures are being rendered; ask again.")

# Statuses of a message that are no failures (PS3.7 C.1, PS3.4 Tables C.4-1 to C.4-3).
SOME_FAILED        = Reason(0xB000, 206, "Sub-operations complete; there are failures or warnings.")
CANCELLED          = Reason(0xFE00, 499, "Terminated as the peer asked with C-CANCEL.")
PENDING            = Reason(0xFF00, 200, "Pending: more is to come.")
PENDING_UNSUPPORTED = Reason(0xFF01, 200, "Pending: more is to come; some optional keys were not used for matching, or are not known.")

# Warnings of one instance (PS3.18 I.2.1).
COERCED            = Reason(0xB000, 202, "Stored; attributes were changed, and Original Attributes Sequence tells what they were.")
LEFT_OUT           = Reason(0xB006, 202, "Stored; elements that no data set has were left out.")
NOT_AS_SOP_CLASS   = Reason(0xB007, 202, "Stored; the data set does not match its SOP class or its encoding rules.")
# fmt: on

FAILURES = (
    PROCESSING_FAILURE,
    DUPLICATE,
    NOT_AN_INSTANCE,
    OUT_OF_RESOURCES,
    TOO_LARGE,
    OTHER_STUDY,
    UID_MISSING,
    UID_INVALID,
    OTHER_INSTANCE,
    NOT_AS_DESCRIBED,
    BREAKS_RULES,
    NOT_DICOM,
    TRUNCATED,
    NESTED_TOO_DEEPLY,
    NOT_AS_STATED,
    BULK_MISSING,
    INCOMPLETE,
    UNREFERENCED,
    TRANSFER_SYNTAX,
)
MESSAGE_STATUSES = (
    NO_SUCH_INSTANCE,
    INVALID_ARGUMENT,
    INVALID_INSTANCE,
    CLASS_CONFLICT,
    NO_SUCH_ACTION,
    NOT_AUTHORISED,
    DUPLICATE_TRANSACTION,
    DUPLICATE_MESSAGE,
    UNRECOGNIZED_OPERATION,
    MISTYPED_ARGUMENT,
    CANNOT_COUNT,
    NO_SUB_OPERATIONS,
    DESTINATION_UNKNOWN,
    NOT_AS_COMMAND,
    BAD_IDENTIFIER,
    SOME_FAILED,
    CANCELLED,
    PENDING,
    PENDING_UNSUPPORTED,
)
"""What only DIMSE says."""
REQUEST_FAILURES = (
    BAD_REQUEST,
    BAD_QUERY,
    TOO_BROAD,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    TIMEOUT,
    GONE,
    NOT_ACCEPTABLE,
    PRECONDITION,
    UNDECODABLE,
    UNSUPPORTED_MEDIA,
    UNSATISFIABLE,
    PICTURE_TOO_LARGE,
    UNRENDERABLE,
    BUSY,
    NOT_IMPLEMENTED,
)
WARNINGS = (COERCED, LEFT_OUT, NOT_AS_SOP_CLASS)


class Problem(str):
    """What was found wrong with an instance that is stored nonetheless: a sentence, without values.

    `tags` are those of the attributes concerned, `reason` is one of WARNINGS.
    """

    __slots__ = ("reason", "tags")

    def __new__(cls, sentence: str, *tags: int, reason: Reason = NOT_AS_SOP_CLASS) -> Problem:
        problem = super().__new__(cls, sentence)
        problem.tags = tags
        problem.reason = reason
        return problem

    tags: tuple[int, ...]
    reason: Reason


class Refused(Exception):  # noqa: N818 - it is a verdict on the request, not an error of ours
    """The request, or one instance of it, cannot be done; `detail` says why in one sentence."""

    def __init__(self, reason: Reason, detail: str = "", keyword: str = "") -> None:
        super().__init__(detail or reason.meaning)
        self.reason = reason
        self.detail = detail or reason.meaning
        self.keyword = keyword
        """The attribute that is to blame, where it is one."""
