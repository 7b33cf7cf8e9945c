/**
 * Stand-in for `jsr:@std/http/status`: the registered status codes and their texts.
 *
 * @module
 */

/** Status codes by name. */
export const STATUS_CODE = {
  Continue: 100,
  SwitchingProtocols: 101,
  Processing: 102,
  EarlyHints: 103,
  OK: 200,
  Created: 201,
  Accepted: 202,
  NonAuthoritativeInfo: 203,
  NoContent: 204,
  ResetContent: 205,
  PartialContent: 206,
  MultiStatus: 207,
  AlreadyReported: 208,
  IMUsed: 226,
  MultipleChoices: 300,
  MovedPermanently: 301,
  Found: 302,
  SeeOther: 303,
  NotModified: 304,
  UseProxy: 305,
  TemporaryRedirect: 307,
  PermanentRedirect: 308,
  BadRequest: 400,
  Unauthorized: 401,
  PaymentRequired: 402,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  ProxyAuthRequired: 407,
  RequestTimeout: 408,
  Conflict: 409,
  Gone: 410,
  LengthRequired: 411,
  PreconditionFailed: 412,
  ContentTooLarge: 413,
  URITooLong: 414,
  UnsupportedMediaType: 415,
  RangeNotSatisfiable: 416,
  ExpectationFailed: 417,
  Teapot: 418,
  MisdirectedRequest: 421,
  UnprocessableEntity: 422,
  Locked: 423,
  FailedDependency: 424,
  TooEarly: 425,
  UpgradeRequired: 426,
  PreconditionRequired: 428,
  TooManyRequests: 429,
  RequestHeaderFieldsTooLarge: 431,
  UnavailableForLegalReasons: 451,
  InternalServerError: 500,
  NotImplemented: 501,
  BadGateway: 502,
  ServiceUnavailable: 503,
  GatewayTimeout: 504,
  HTTPVersionNotSupported: 505,
  VariantAlsoNegotiates: 506,
  InsufficientStorage: 507,
  LoopDetected: 508,
  NotExtended: 510,
  NetworkAuthenticationRequired: 511,
} as const;

/** A registered status code. */
export type StatusCode = typeof STATUS_CODE[keyof typeof STATUS_CODE];

/** Status texts by code. */
export const STATUS_TEXT = {
  [STATUS_CODE.Continue]: "Continue",
  [STATUS_CODE.SwitchingProtocols]: "Switching Protocols",
  [STATUS_CODE.Processing]: "Processing",
  [STATUS_CODE.EarlyHints]: "Early Hints",
  [STATUS_CODE.OK]: "OK",
  [STATUS_CODE.Created]: "Created",
  [STATUS_CODE.Accepted]: "Accepted",
  [STATUS_CODE.NonAuthoritativeInfo]: "Non Authoritative Info",
  [STATUS_CODE.NoContent]: "No Content",
  [STATUS_CODE.ResetContent]: "Reset Content",
  [STATUS_CODE.PartialContent]: "Partial Content",
  [STATUS_CODE.MultiStatus]: "Multi Status",
  [STATUS_CODE.AlreadyReported]: "Already Reported",
  [STATUS_CODE.IMUsed]: "IM Used",
  [STATUS_CODE.MultipleChoices]: "Multiple Choices",
  [STATUS_CODE.MovedPermanently]: "Moved Permanently",
  [STATUS_CODE.Found]: "Found",
  [STATUS_CODE.SeeOther]: "See Other",
  [STATUS_CODE.NotModified]: "Not Modified",
  [STATUS_CODE.UseProxy]: "Use Proxy",
  [STATUS_CODE.TemporaryRedirect]: "Temporary Redirect",
  [STATUS_CODE.PermanentRedirect]: "Permanent Redirect",
  [STATUS_CODE.BadRequest]: "Bad Request",
  [STATUS_CODE.Unauthorized]: "Unauthorized",
  [STATUS_CODE.PaymentRequired]: "Payment Required",
  [STATUS_CODE.Forbidden]: "Forbidden",
  [STATUS_CODE.NotFound]: "Not Found",
  [STATUS_CODE.MethodNotAllowed]: "Method Not Allowed",
  [STATUS_CODE.NotAcceptable]: "Not Acceptable",
  [STATUS_CODE.ProxyAuthRequired]: "Proxy Auth Required",
  [STATUS_CODE.RequestTimeout]: "Request Timeout",
  [STATUS_CODE.Conflict]: "Conflict",
  [STATUS_CODE.Gone]: "Gone",
  [STATUS_CODE.LengthRequired]: "Length Required",
  [STATUS_CODE.PreconditionFailed]: "Precondition Failed",
  [STATUS_CODE.ContentTooLarge]: "Content Too Large",
  [STATUS_CODE.URITooLong]: "URI Too Long",
  [STATUS_CODE.UnsupportedMediaType]: "Unsupported Media Type",
  [STATUS_CODE.RangeNotSatisfiable]: "Range Not Satisfiable",
  [STATUS_CODE.ExpectationFailed]: "Expectation Failed",
  [STATUS_CODE.Teapot]: "I'm a teapot",
  [STATUS_CODE.MisdirectedRequest]: "Misdirected Request",
  [STATUS_CODE.UnprocessableEntity]: "Unprocessable Entity",
  [STATUS_CODE.Locked]: "Locked",
  [STATUS_CODE.FailedDependency]: "Failed Dependency",
  [STATUS_CODE.TooEarly]: "Too Early",
  [STATUS_CODE.UpgradeRequired]: "Upgrade Required",
  [STATUS_CODE.PreconditionRequired]: "Precondition Required",
  [STATUS_CODE.TooManyRequests]: "Too Many Requests",
  [STATUS_CODE.RequestHeaderFieldsTooLarge]: "Request Header Fields Too Large",
  [STATUS_CODE.UnavailableForLegalReasons]: "Unavailable For Legal Reasons",
  [STATUS_CODE.InternalServerError]: "Internal Server Error",
  [STATUS_CODE.NotImplemented]: "Not Implemented",
  [STATUS_CODE.BadGateway]: "Bad Gateway",
  [STATUS_CODE.ServiceUnavailable]: "Service Unavailable",
  [STATUS_CODE.GatewayTimeout]: "Gateway Timeout",
  [STATUS_CODE.HTTPVersionNotSupported]: "HTTP Version Not Supported",
  [STATUS_CODE.VariantAlsoNegotiates]: "Variant Also Negotiates",
  [STATUS_CODE.InsufficientStorage]: "Insufficient Storage",
  [STATUS_CODE.LoopDetected]: "Loop Detected",
  [STATUS_CODE.NotExtended]: "Not Extended",
  [STATUS_CODE.NetworkAuthenticationRequired]: "Network Authentication Required",
} as const;

/** A registered status text. */
export type StatusText = typeof STATUS_TEXT[keyof typeof STATUS_TEXT];

type CodeOf<Class extends string> = {
  [Code in StatusCode]: `${Code}` extends `${Class}${string}` ? Code : never;
}[StatusCode];

/** A code 1xx. */
export type InformationalStatus = CodeOf<"1">;
/** A code 2xx. */
export type SuccessfulStatus = CodeOf<"2">;
/** A code 3xx. */
export type RedirectStatus = CodeOf<"3">;
/** A code 4xx. */
export type ClientErrorStatus = CodeOf<"4">;
/** A code 5xx. */
export type ServerErrorStatus = CodeOf<"5">;
/** A code 4xx or 5xx. */
export type ErrorStatus = ClientErrorStatus | ServerErrorStatus;

/** Tells whether a code is registered. */
export function isStatus(status: number): status is StatusCode {
  return status in STATUS_TEXT;
}

function isOfClass(status: number, ...classes: readonly number[]): boolean {
  return isStatus(status) && classes.includes(Math.trunc(status / 100));
}

/** Tells whether a code is registered and 1xx. */
export function isInformationalStatus(status: number): status is InformationalStatus {
  return isOfClass(status, 1);
}

/** Tells whether a code is registered and 2xx. */
export function isSuccessfulStatus(status: number): status is SuccessfulStatus {
  return isOfClass(status, 2);
}

/** Tells whether a code is registered and 3xx. */
export function isRedirectStatus(status: number): status is RedirectStatus {
  return isOfClass(status, 3);
}

/** Tells whether a code is registered and 4xx. */
export function isClientErrorStatus(status: number): status is ClientErrorStatus {
  return isOfClass(status, 4);
}

/** Tells whether a code is registered and 5xx. */
export function isServerErrorStatus(status: number): status is ServerErrorStatus {
  return isOfClass(status, 5);
}

/** Tells whether a code is registered and 4xx or 5xx. */
export function isErrorStatus(status: number): status is ErrorStatus {
  return isOfClass(status, 4, 5);
}
