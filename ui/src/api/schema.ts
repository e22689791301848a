// Made from the description of the API by scripts/api.mjs. Do not edit.

export type APIKey = {
  created_at: string;
  expires_at?: string;
  id: string;
  last_used?: string;
  name: string;
  scope?: Rights;
  user: string;
};

export type AgeRule = {
  item?: string;
  max_age: string;
  tag?: string;
  vault?: string;
};

export type Alert = {
  at: string;
  closed_by?: string;
  count?: number;
  details?: string;
  hint?: string;
  id: string;
  key?: string;
  last_at?: string;
  level: "OK" | "WARNING" | "CRITICAL";
  lines?: string[];
  message: string;
  once?: boolean;
  resolved: boolean;
  resolved_at?: string;
  target: Target;
  to?: string[];
  type: string;
  update?: string;
};

export type AlertSending = {
  alert: Alert;
  alerter: string;
  at: string;
  error?: string;
  gave_up?: boolean;
  id: string;
  next_at?: string;
  sent_at?: string;
  tries?: number;
};

export type Alerter = {
  description?: string;
  disabled?: boolean;
  email?: string;
  except?: Target[];
  has_url: boolean;
  kind: string;
  levels?: ("OK" | "WARNING" | "CRITICAL")[];
  name: string;
  resources?: Target[];
  tags?: string[];
  types?: string[];
  updated_at?: string;
  updated_by?: string;
};

export type AlerterInput = {
  description?: string;
  disabled?: boolean;
  email?: string;
  except?: Target[];
  kind: string;
  levels?: ("OK" | "WARNING" | "CRITICAL")[];
  name?: string;
  resources?: Target[];
  tags?: string[];
  types?: string[];
  url?: string;
};

export type AppliedRule = {
  from: string;
  level: "None" | "Read" | "Execute" | "Write";
  rule: string;
  specific?: string[];
};

export type AuditEntry = {
  action: string;
  actor: string;
  at: string;
  detail?: string;
  hash: string;
  ok: boolean;
  remote?: string;
  seq: number;
  target?: string;
  via?: string;
};

export type AuditVerified = {
  entries: number;
  message?: string;
  ok: boolean;
};

export type BackupParams = {
  dir?: string;
  keep?: number;
};

export type BatchDeployStackIfChangedParams = {
  force?: boolean;
  forced?: string[];
  if_changed?: boolean;
  ignore_dependencies?: boolean;
  pattern?: string;
  pull?: boolean;
  skip_secrets?: boolean;
  tags?: string[];
  with_dependencies?: boolean;
  with_dependents?: boolean;
};

export type BatchDeployStackParams = {
  force?: boolean;
  forced?: string[];
  if_changed?: boolean;
  ignore_dependencies?: boolean;
  pattern?: string;
  pull?: boolean;
  skip_secrets?: boolean;
  tags?: string[];
  with_dependencies?: boolean;
  with_dependents?: boolean;
};

export type CheckDriftParams = {
  deep?: boolean;
  fail?: boolean;
  stacks?: string[];
};

export type CodeInput = {
  code: string;
};

export type Delivery = {
  at: string;
  author?: string;
  before?: string;
  commit?: string;
  event?: string;
  files?: string[];
  id: string;
  ignored?: string;
  note?: string;
  path: string;
  provider: string;
  redelivered_by?: string;
  redelivers?: string;
  ref?: string;
  remote_id?: string;
  repository?: string;
  started?: Started[];
  target?: Target;
  waits?: string;
};

export type DeployStackIfChangedParams = {
  ignore_dependencies?: boolean;
  services?: string[];
  skip_secrets?: boolean;
  stack: string;
};

export type DeployStackParams = {
  as_deployed?: boolean;
  force?: boolean;
  if_changed?: boolean;
  ignore_dependencies?: boolean;
  pull?: boolean;
  services?: string[];
  skip_secrets?: boolean;
  stack: string;
};

export type DestroyStackParams = {
  services?: string[];
  stack: string;
  timeout?: string;
  volumes?: boolean;
};

export type DriftInput = {
  deep?: boolean;
  stacks?: string[];
};

export type DriftKey = {
  container?: string;
  file?: string;
  key: string;
  mend?: string;
  service?: string;
  since?: string;
  state: string;
  via: string;
  why?: string;
};

export type DriftPolicy = {
  deep?: boolean;
  schedule?: Schedule;
  updated_at?: string;
  updated_by?: string;
};

export type DriftReport = {
  at?: string;
  counts: Record<string, number>;
  deep?: boolean;
  notes?: string[];
  requests: number;
  stacks: StackDrift[];
};

export type Error = {
  error: ErrorBody;
};

export type ErrorBody = {
  code: "invalid" | "not_found" | "conflict" | "unauthenticated" | "forbidden" | "rate_limited" | "unavailable" | "destination" | "corrupt" | "partial" | "changes" | "canceled" | "internal";
  hint?: string;
  message: string;
};

export type Event = {
  at: string;
  data?: unknown;
  seq: number;
  target?: Target;
  type: string;
  update?: string;
};

export type ExchangeInput = {
  code: string;
  cookie?: boolean;
  verifier: string;
};

export type Execution = {
  params?: unknown;
  type: string;
};

export type ExplainInput = {
  format?: string;
  from?: string;
  text: string;
  timezone?: string;
};

export type Explanation = {
  level: "None" | "Read" | "Execute" | "Write";
  rules: AppliedRule[];
  specific?: string[];
  target: Target;
  user: string;
};

export type Export = {
  toml: string;
};

export type ExportSecretsParams = {
  stack?: string;
  stacks?: string[];
  vault?: string;
};

export type FileInput = {
  path: string;
  text: string;
};

export type FileSummary = {
  path: string;
};

export type FreezeInput = {
  why?: string;
};

export type GitAccount = {
  ca?: string;
  has_key: boolean;
  has_token: boolean;
  host: string;
  known_hosts?: string;
  name: string;
  updated_at: string;
  username?: string;
};

export type GitAccountInput = {
  ca?: string;
  host: string;
  key?: string;
  known_hosts?: string;
  name?: string;
  token?: string;
  username?: string;
};

export type GlobalAutoUpdateParams = {
  skip_auto_update?: boolean;
};

export type Grant = {
  level: "None" | "Read" | "Execute" | "Write";
  specific?: string[];
};

export type GroupInput = {
  all?: Record<string, Grant>;
  claims?: string[];
  everyone?: boolean;
  name?: string;
  permissions?: Permission[];
  users?: string[];
};

export type Health = {
  queued?: number;
  status: string;
};

export type Hook = {
  command?: string;
  path?: string;
  timeout?: string;
};

export type InlineFile = {
  content: string;
  path: string;
};

export type Key = {
  created_at: string;
  expires_at?: string;
  id: string;
  key: string;
  last_used?: string;
  name: string;
  scope?: Rights;
  user: string;
};

export type KeyInput = {
  expires?: string;
  name: string;
  scope?: Rights;
};

export type Kind = {
  doc: string;
  level: "None" | "Read" | "Execute" | "Write";
  name: string;
  params: unknown;
  target: "Stack" | "Server" | "Variable" | "GitAccount" | "Procedure" | "ResourceSync" | "Alerter" | "Repo" | "System";
};

export type LeftOut = {
  stack: string;
  why: string;
};

export type Line = {
  at?: string;
  current?: number;
  service?: string;
  stage?: string;
  stream?: string;
  text: string;
  total?: number;
  transient?: boolean;
};

export type Lines = {
  lines: NumberedLine[];
  next: number;
};

export type Login = {
  expires_at?: string;
  must_change_password?: boolean;
  token?: string;
  totp_required?: boolean;
  user?: string;
};

export type LoginInput = {
  cookie?: boolean;
  password: string;
  totp?: string;
  username: string;
};

export type Me = {
  admin: boolean;
  expires_at?: string;
  key_id?: string;
  rights: Rights[];
  scope?: Rights;
  session?: Session;
  user: User;
};

export type Meaning = {
  cron: string;
  next: string[];
  notes?: string[];
  text: string;
  zone: string;
};

export type NewUser = {
  one_time_password?: string;
  user: User;
};

export type NewUserInput = {
  admin?: boolean;
  all?: Record<string, Grant>;
  disabled?: boolean;
  must_change_password?: boolean;
  name: string;
  password?: string;
  permissions?: Permission[];
  service?: boolean;
  subject?: string;
};

export type NumberedLine = {
  at?: string;
  current?: number;
  seq: number;
  service?: string;
  stage?: string;
  stream?: string;
  text: string;
  total?: number;
  transient?: boolean;
};

export type OneTime = {
  one_time_password?: string;
};

export type Parameter = {
  default?: string;
  description?: string;
  name: string;
  required?: boolean;
};

export type Params = {
  generate?: string[];
  now?: boolean;
  recipe?: string;
  refs?: string[];
  stacks?: string[];
  undo?: string;
  vault?: string;
};

export type PasswordInput = {
  new: string;
  old: string;
};

export type Permission = {
  level: "None" | "Read" | "Execute" | "Write";
  specific?: string[];
  target: Target;
};

export type Plan = {
  resources?: string[];
  services: ServicePlan[];
};

export type Procedure = {
  description?: string;
  name: string;
  parameters?: Parameter[];
  quiet_failure?: boolean;
  schedule?: Schedule;
  schedule_alert?: boolean;
  stages: ProcedureStage[];
  tags?: string[];
  timeout?: string;
  updated_at?: string;
  updated_by?: string;
  webhook?: Webhook;
};

export type ProcedureStage = {
  at_once?: number;
  disabled?: boolean;
  executions: StageExecution[];
  name: string;
  on_failure?: string;
  timeout?: string;
};

export type PruneUpdatesParams = {
  max_age?: string;
  max_per_target?: number;
};

export type PullStackParams = {
  services?: string[];
  stack: string;
};

export type Quarantine = {
  at: string;
  id: string;
  item: string;
  lines?: string[];
  rotation?: string;
  stack?: string;
  title: string;
  vault: string;
  vault_name?: string;
  version: number;
  why?: string;
  with?: string;
};

export type Reason = {
  kind: string;
  names?: string[];
};

export type ReleaseInput = {
  item: string;
};

export type Repo = {
  description?: string;
  name: string;
  source: Source;
  tags?: string[];
  updated_at?: string;
  updated_by?: string;
  webhook?: Webhook;
};

export type ResetInput = {
  password?: string;
};

export type ResourceSync = {
  delete?: boolean;
  description?: string;
  include_user_groups?: boolean;
  include_variables?: boolean;
  match_tags?: string[];
  name: string;
  paths?: string[];
  schedule?: Schedule;
  skip_resources?: boolean;
  source: Source;
  tags?: string[];
  updated_at?: string;
  updated_by?: string;
  webhook?: Webhook;
};

export type RestartStackParams = {
  services?: string[];
  stack: string;
  timeout?: string;
};

export type RestoreStackParams = {
  files_only?: boolean;
  rotation: string;
  stack: string;
};

export type Rights = {
  all?: Record<string, Grant>;
  permissions?: Permission[];
};

export type RotateSecretsParams = {
  generate?: string[];
  now?: boolean;
  recipe?: string;
  refs?: string[];
  stacks?: string[];
  undo?: string;
  vault?: string;
};

export type RotatedItem = {
  generated?: string[];
  held?: string;
  item: string;
  keys?: string[];
  stacks?: string[];
  title: string;
  vault: string;
  vault_name?: string;
  version: number;
};

export type RotatedStack = {
  can_roll_back: boolean;
  gate?: string;
  restored?: string;
  restored_update?: string;
  server?: string;
  services?: ServicePlan[];
  stack: string;
  state: "queued" | "running" | "succeeded" | "failed" | "canceled" | "interrupted";
  update?: string;
  wave: number;
};

export type Rotation = {
  approved_by?: string;
  cause?: string;
  created_at?: string;
  ended_at?: string;
  error?: UpdateError;
  failed?: string;
  id: string;
  items?: RotatedItem[];
  left_out?: LeftOut[];
  lines?: string[];
  notes?: string[];
  operator?: string;
  plan?: string;
  stacks?: RotatedStack[];
  started_at?: string;
  state: string;
  summary?: string;
  trigger?: string;
  undoes?: string;
  undone_by?: string;
  waits?: string;
  waves?: number;
};

export type RotationPolicy = {
  approve?: boolean;
  at_once?: number;
  batch?: string;
  frozen?: boolean;
  frozen_at?: string;
  frozen_by?: string;
  frozen_why?: string;
  interval?: string;
  off?: boolean;
  schedule?: Schedule;
  windows?: Window[];
};

export type RunProcedureParams = {
  params?: Record<string, string>;
  procedure: string;
};

export type RunStackServiceParams = {
  command?: string[];
  entrypoint?: string[];
  env?: Record<string, string>;
  no_deps?: boolean;
  service: string;
  stack: string;
  user?: string;
  workdir?: string;
};

export type RunSyncParams = {
  resource_type?: "Stack" | "Server" | "Variable" | "GitAccount" | "Procedure" | "ResourceSync" | "Alerter" | "Repo" | "System";
  resources?: string[];
  sync: string;
};

export type Schedule = {
  disabled?: boolean;
  format?: string;
  jitter?: string;
  missed?: string;
  text?: string;
  timezone?: string;
};

export type Scheduled = {
  cron?: string;
  error?: string;
  execution: string;
  last?: string;
  last_run?: string;
  missed?: number;
  next?: string[];
  note?: string;
  notes?: string[];
  schedule: Schedule;
  target: Target;
  zone?: string;
};

export type SecretInfo = {
  changed_at?: string;
  equal_to?: string[];
  files?: string[];
  gone?: boolean;
  item?: string;
  kind: string;
  max_age?: string;
  overdue?: boolean;
  rule?: string;
  shared_by_many?: boolean;
  stack?: string;
  stacks?: string[];
  tags?: string[];
  title: string;
  unused?: boolean;
  variables?: string[];
  vault?: string;
  vault_name?: string;
  version?: number;
};

export type SecretPolicy = {
  rules?: AgeRule[];
  shared_by?: number;
  updated_at?: string;
  updated_by?: string;
};

export type SecretReport = {
  at: string;
  notes?: string[];
  requests: number;
  secrets: SecretInfo[];
  values?: boolean;
};

export type SecretUse = {
  containers?: string[];
  dependents?: string[];
  field?: string;
  file?: string;
  item?: string;
  server?: string;
  service?: string;
  stack: string;
  variable?: string;
  vault?: string;
  via?: string;
};

export type Secrets = {
  offline?: boolean;
  skip?: boolean;
  stacks?: string[];
  vault?: string;
};

export type SendAlertParams = {
  alerters?: string[];
  details?: string;
  level?: "OK" | "WARNING" | "CRITICAL";
  message: string;
};

export type SentAlert = {
  at: string;
  closed_by?: string;
  count?: number;
  details?: string;
  hint?: string;
  id: string;
  key?: string;
  last_at?: string;
  level: "OK" | "WARNING" | "CRITICAL";
  lines?: string[];
  message: string;
  once?: boolean;
  resolved: boolean;
  resolved_at?: string;
  sendings: AlertSending[];
  target: Target;
  to?: string[];
  type: string;
  update?: string;
};

export type Server = {
  address: string;
  ca?: string;
  cert?: string;
  has_key: boolean;
  has_ssh_key: boolean;
  known_hosts?: string;
  name: string;
  state: ServerState;
  updated_at?: string;
};

export type ServerInput = {
  address: string;
  ca?: string;
  cert?: string;
  key?: string;
  known_hosts?: string;
  name?: string;
  ssh_key?: string;
};

export type ServerState = {
  api_version?: string;
  checked_at?: string;
  containers?: number;
  error?: string;
  os?: string;
  reachable: boolean;
  since?: string;
  version?: string;
};

export type ServicePlan = {
  change: "create" | "recreate" | "start" | "remove" | "keep";
  containers?: string[];
  image?: string;
  reasons?: Reason[];
  service: string;
};

export type ServiceState = {
  container: string;
  exit_code?: number;
  id: string;
  image: string;
  ports?: string[];
  service: string;
  started_at?: string;
  status: "healthy" | "running" | "done" | "starting" | "unhealthy" | "stopped" | "down" | "unknown";
  text?: string;
};

export type Session = {
  agent?: string;
  change_only?: boolean;
  created_at: string;
  expires_at: string;
  id: string;
  last_used?: string;
  user: string;
};

export type SleepParams = {
  duration?: string;
  duration_ms?: number;
};

export type Source = {
  account?: string;
  branch?: string;
  commit?: string;
  compose_files?: string[];
  dir?: string;
  files?: InlineFile[];
  kind: "git" | "host" | "inline";
  linked?: string;
  path?: string;
  repo?: string;
  sparse?: string[];
  tag?: string;
};

export type SourceSummary = {
  branch?: string;
  commit?: string;
  dir?: string;
  files?: FileSummary[];
  kind: "git" | "host" | "inline";
  linked?: string;
  path?: string;
  repo?: string;
  tag?: string;
};

export type Stack = {
  after?: string[];
  auto_update?: boolean;
  deploy?: boolean;
  description?: string;
  env_files?: string[];
  environment?: string;
  host_paths?: string[];
  links?: string[];
  name: string;
  on_busy?: "wait" | "refuse";
  post_deploy?: Hook;
  pre_deploy?: Hook;
  profiles?: string[];
  project?: string;
  pull?: boolean;
  secrets?: Secrets;
  server?: string;
  source: Source;
  tags?: string[];
  updated_at?: string;
  updated_by?: string;
  verify?: Verify;
  webhook?: Webhook;
};

export type StackDrift = {
  at: string;
  deep?: boolean;
  idle?: boolean;
  keys?: DriftKey[];
  outdated?: boolean;
  proven: number;
  server?: string;
  since?: string;
  stack: string;
  state: string;
  why?: string;
};

export type StackState = {
  at?: string;
  error?: string;
  services?: ServiceState[];
  status: "healthy" | "running" | "done" | "starting" | "unhealthy" | "stopped" | "down" | "unknown";
};

export type StackSummary = {
  after?: string[];
  description?: string;
  name: string;
  project?: string;
  server?: string;
  source: SourceSummary;
  tags?: string[];
  updated_at?: string;
};

export type Stage = {
  ended_at?: string;
  name: string;
  note?: string;
  started_at: string;
  state: "queued" | "running" | "succeeded" | "failed" | "canceled" | "interrupted";
};

export type StageExecution = {
  disabled?: boolean;
  execution: Execution;
  retries?: number;
  retry_delay?: string;
  timeout?: string;
};

export type StartStackParams = {
  services?: string[];
  stack: string;
  timeout?: string;
};

export type Started = {
  execution: string;
  joined?: boolean;
  target: Target;
  update: string;
};

export type StopStackParams = {
  services?: string[];
  stack: string;
  timeout?: string;
};

export type SyncChange = {
  action: string;
  at?: string;
  diff?: string[];
  from?: string;
  target: Target;
};

export type SyncInput = {
  delete?: boolean;
  files?: FileInput[];
  kind?: "Stack" | "Server" | "Variable" | "GitAccount" | "Procedure" | "ResourceSync" | "Alerter" | "Repo" | "System";
  match_tags?: string[];
  names?: string[];
  paths?: string[];
  skip_resources?: boolean;
  skip_user_groups?: boolean;
  skip_variables?: boolean;
  source?: Source;
};

export type SyncPlan = {
  changes: SyncChange[];
  deploy?: string[];
  unchanged: number;
  warnings?: string[];
};

export type Target = {
  id: string;
  type: "Stack" | "Server" | "Variable" | "GitAccount" | "Procedure" | "ResourceSync" | "Alerter" | "Repo" | "System";
};

export type TestAlerterParams = {
  alerter: string;
};

export type Totp = {
  secret: string;
  uri: string;
};

export type Update = {
  cause?: string;
  commit?: string;
  created_at: string;
  ended_at?: string;
  error?: UpdateError;
  execution: Execution;
  id: string;
  operator: string;
  parent?: string;
  plan?: Plan;
  rolled_back?: string;
  stages?: Stage[];
  started_at?: string;
  state: "queued" | "running" | "succeeded" | "failed" | "canceled" | "interrupted";
  summary?: string;
  target: Target;
  trigger?: string;
};

export type UpdateError = {
  code: "invalid" | "not_found" | "conflict" | "unauthenticated" | "forbidden" | "rate_limited" | "unavailable" | "destination" | "corrupt" | "partial" | "changes" | "canceled" | "internal";
  hint?: string;
  message: string;
};

export type UsedBy = {
  items?: UsedItem[];
  notes?: string[];
  uses: SecretUse[];
  variables?: string[];
  what: string;
};

export type UsedItem = {
  changed_at?: string;
  item?: string;
  title: string;
  vault?: string;
  vault_name?: string;
  version?: number;
};

export type User = {
  admin?: boolean;
  all?: Record<string, Grant>;
  claims?: string[];
  created_at: string;
  disabled?: boolean;
  last_login?: string;
  must_change_password?: boolean;
  name: string;
  permissions?: Permission[];
  service?: boolean;
  subject?: string;
  totp?: boolean;
};

export type UserGroup = {
  all?: Record<string, Grant>;
  claims?: string[];
  everyone?: boolean;
  name: string;
  permissions?: Permission[];
  users?: string[];
};

export type UserInput = {
  admin?: boolean;
  all?: Record<string, Grant>;
  disabled?: boolean;
  must_change_password?: boolean;
  permissions?: Permission[];
  service?: boolean;
  subject?: string;
};

export type Value = {
  from?: string;
  value: string;
};

export type Variable = {
  description?: string;
  from?: string;
  name: string;
  secret?: boolean;
  stack?: string;
  updated_at: string;
  updated_by?: string;
  value?: string;
  version: number;
};

export type VariableDetail = {
  description?: string;
  from?: string;
  name: string;
  secret?: boolean;
  stack?: string;
  updated_at: string;
  updated_by?: string;
  used_by: string[];
  value?: string;
  version: number;
};

export type VariableInput = {
  description?: string;
  from?: string;
  secret?: boolean;
  value?: string;
};

export type VariableRow = {
  description?: string;
  from?: string;
  name: string;
  secret?: boolean;
  stack?: string;
  updated_at: string;
  updated_by?: string;
  used_by?: string[];
  value?: string;
  version: number;
};

export type VariableVersion = {
  digest: string;
  from?: string;
  secret?: boolean;
  updated_at: string;
  updated_by?: string;
  version: number;
};

export type VaultBreaker = {
  error?: string;
  failures?: number;
  open: boolean;
  retry_at?: string;
  since?: string;
};

export type VaultBudget = {
  left: number;
  limit: number;
  next_at?: string;
  reserve?: number;
  scope: string;
  used: number;
  window: string;
};

export type VaultField = {
  concealed?: boolean;
  empty?: boolean;
  id: string;
  label?: string;
  section?: string;
  variable?: boolean;
};

export type VaultFieldInput = {
  concealed?: boolean;
  id?: string;
  label?: string;
  recipe?: string;
  value?: string;
};

export type VaultItem = {
  category?: string;
  fields?: VaultField[];
  id: string;
  stacks?: string[];
  tags?: string[];
  title: string;
  updated_at?: string;
  vault: string;
  version?: number;
};

export type VaultItemInput = {
  env?: string;
  remove?: string[];
  set?: VaultFieldInput[];
  tags?: string[];
  title?: string;
  version?: number;
};

export type VaultState = {
  breaker?: VaultBreaker;
  budget?: number;
  budgets?: VaultBudget[];
  error?: string;
  exported_at?: string;
  has_token: boolean;
  interval?: string;
  plan?: string;
  plan_assumed?: boolean;
  provider?: string;
  requests: number;
  set_at?: string;
  vaults?: string[];
};

export type VaultTokenInput = {
  host?: string;
  kind?: string;
  token: string;
  untested?: boolean;
};

export type Verify = {
  settle?: string;
  skip?: boolean;
  timeout?: string;
};

export type Version = {
  api: string;
  oidc?: boolean;
  version: string;
};

export type Webhook = {
  branch?: string;
  disabled?: boolean;
  force?: boolean;
  path?: string;
  paths?: string[];
  tags?: string[];
};

export type WebhookOf = {
  has_secret: boolean;
  named_urls?: Record<string, string>;
  secret?: string;
  target?: Target;
  urls: Record<string, string>;
  webhook?: Webhook;
};

export type WebhookSecret = {
  secret?: string;
};

export type WebhookSecretInput = {
  generate?: boolean;
  secret?: string;
};

export type Window = {
  days?: string;
  from: string;
  timezone?: string;
  to: string;
};

// Every endpoint: what it takes and what it answers.
export interface Endpoints {
  /** Say that the process lives. Needs nothing. */
  "GET /healthz": { in: undefined; query: {  }; out: Health };
  /** Show figures in the format of Prometheus; a key whose scope is all.System = Read suffices. Needs an administrator, or Read on System. */
  "GET /metrics": { in: undefined; query: {  }; out: undefined };
  /** Say whether requests can be served: the database answers, and the queue can be read. Needs nothing. */
  "GET /readyz": { in: undefined; query: {  }; out: Health };
  /** List the alerters that you may read. Needs a session or an API key; answers what you may read. */
  "GET /v1/alerters": { in: undefined; query: {  }; out: Alerter[] };
  /** Forget an alerter, and what waits to be sent to it. Needs Write on Alerter {alerter}. */
  "DELETE /v1/alerters/{alerter}": { in: undefined; query: {  }; out: undefined };
  /** Show an alerter; its address is not shown. Needs Read on Alerter {alerter}. */
  "GET /v1/alerters/{alerter}": { in: undefined; query: {  }; out: Alerter };
  /** Replace an alerter, or add it; an address that is left out is kept. Needs Write on Alerter {alerter}. */
  "PUT /v1/alerters/{alerter}": { in: AlerterInput; query: {  }; out: Alerter };
  /** List what was sent to an alerter, waits, or was given up, the newest first. Needs Read on Alerter {alerter}. */
  "GET /v1/alerters/{alerter}/sendings": { in: undefined; query: { limit?: string | number | boolean }; out: AlertSending[] };
  /** Send a test to an alerter now, whatever its filters; an error says why it was not taken. Needs Execute on Alerter {alerter}. */
  "POST /v1/alerters/{alerter}/test": { in: undefined; query: {  }; out: undefined };
  /** List alerts about what you may read, the newest first. Needs a session or an API key; answers what you may read. */
  "GET /v1/alerts": { in: undefined; query: { open?: string | number | boolean; type?: string | number | boolean; before?: string | number | boolean; limit?: string | number | boolean }; out: Alert[] };
  /** Show an alert, and what became of sending it. Needs Read on what the alert is about. */
  "GET /v1/alerts/{alert}": { in: undefined; query: {  }; out: SentAlert };
  /** Resolve an alert by hand. Needs Execute on what the alert is about. */
  "POST /v1/alerts/{alert}/close": { in: undefined; query: {  }; out: Alert };
  /** List entries of the audit log, oldest first. Needs an administrator, or Read on System. */
  "GET /v1/audit": { in: undefined; query: { after?: string | number | boolean; limit?: string | number | boolean; last?: string | number | boolean }; out: AuditEntry[] };
  /** Check that no entry of the audit log was changed, removed or added by another hand. Needs an administrator, or Read on System. */
  "GET /v1/audit/verify": { in: undefined; query: {  }; out: AuditVerified };
  /** List deliveries to what you may read, newest first. Needs a session or an API key; answers what you may read. */
  "GET /v1/deliveries": { in: undefined; query: { target?: string | number | boolean; limit?: string | number | boolean; before?: string | number | boolean }; out: Delivery[] };
  /** Show a delivery: what was pushed, what it started, or why nothing. Needs Read on Stack that the delivery is about. */
  "GET /v1/deliveries/{delivery}": { in: undefined; query: {  }; out: Delivery };
  /** Carry out a delivery again, as if it had just come. Needs Execute on Stack that the delivery is about. */
  "POST /v1/deliveries/{delivery}/redeliver": { in: undefined; query: {  }; out: Delivery };
  /** Show what the last checks found of the stacks that you may read; nothing is asked now. Needs a session or an API key; answers what you may read. */
  "GET /v1/drift": { in: undefined; query: {  }; out: DriftReport };
  /** Compare the vault, exported files and containers of stacks now: those that are named, else all that you may read; deep needs Execute on them. Needs a session or an API key; answers what you may read. */
  "POST /v1/drift": { in: DriftInput; query: {  }; out: DriftReport };
  /** Show when drift and the ages of secrets are checked by themselves. Needs a session or an API key. */
  "GET /v1/drift/policy": { in: undefined; query: {  }; out: DriftPolicy };
  /** Say when drift and the ages of secrets are checked by themselves; without a schedule they are not. Needs an administrator. */
  "PUT /v1/drift/policy": { in: DriftPolicy; query: {  }; out: DriftPolicy };
  /** Stream events that you may see, as server-sent events whose id is their number. Needs a session or an API key; answers what you may read. */
  "GET /v1/events": { in: undefined; query: { update?: string | number | boolean; stack?: string | number | boolean; type?: string | number | boolean; after?: string | number | boolean }; out: undefined };
  /** List the kinds of executions and their parameters. Needs a session or an API key. */
  "GET /v1/executions": { in: undefined; query: {  }; out: Kind[] };
  /** Run an execution; the header Idempotency-Key makes repeating it safe. Needs Execute, or what the kind says, on what it is about. */
  "POST /v1/executions": { in: Execution; query: {  }; out: Update };
  /** List the Git accounts that you may read. Needs a session or an API key; answers what you may read. */
  "GET /v1/git-accounts": { in: undefined; query: {  }; out: GitAccount[] };
  /** Forget a Git account that no stack, no repo and no resource sync uses. Needs Write on GitAccount {account}. */
  "DELETE /v1/git-accounts/{account}": { in: undefined; query: {  }; out: undefined };
  /** Show a Git account; token and key are not shown. Needs Read on GitAccount {account}. */
  "GET /v1/git-accounts/{account}": { in: undefined; query: {  }; out: GitAccount };
  /** Replace a Git account, or add it; a token or key that is left out is kept. Needs Write on GitAccount {account}. */
  "PUT /v1/git-accounts/{account}": { in: GitAccountInput; query: {  }; out: GitAccount };
  /** List the groups of users. Needs an administrator, or Read on System. */
  "GET /v1/groups": { in: undefined; query: {  }; out: UserGroup[] };
  /** Delete a group; its members stay. Needs an administrator. */
  "DELETE /v1/groups/{group}": { in: undefined; query: {  }; out: undefined };
  /** Show a group. Needs an administrator, or Read on System. */
  "GET /v1/groups/{group}": { in: undefined; query: {  }; out: UserGroup };
  /** Replace a group, or add it. Needs an administrator. */
  "PUT /v1/groups/{group}": { in: GroupInput; query: {  }; out: UserGroup };
  /** Sign in with a password, and a code if the account has a second factor. Needs nothing. */
  "POST /v1/login": { in: LoginInput; query: {  }; out: Login };
  /** End this session. Needs a session or an API key; no API key. */
  "POST /v1/logout": { in: undefined; query: {  }; out: undefined };
  /** End all sessions of the caller; API keys stay. Needs a session or an API key; no API key. */
  "POST /v1/logout-everywhere": { in: undefined; query: {  }; out: undefined };
  /** Say who the caller is, and what they may do. Needs a session or an API key. */
  "GET /v1/me": { in: undefined; query: {  }; out: Me };
  /** List the caller's API keys, never the keys themselves. Needs a session or an API key. */
  "GET /v1/me/keys": { in: undefined; query: {  }; out: APIKey[] };
  /** Make an API key and show it, this once. Needs a session or an API key; no API key. */
  "POST /v1/me/keys": { in: KeyInput; query: {  }; out: Key };
  /** End an API key of the caller, by its id or name. Needs a session or an API key; no API key. */
  "DELETE /v1/me/keys/{id}": { in: undefined; query: {  }; out: undefined };
  /** Set a new password; the caller's other sessions end. Needs a session or an API key; no API key. */
  "POST /v1/me/password": { in: PasswordInput; query: {  }; out: undefined };
  /** List the caller's sessions. Needs a session or an API key. */
  "GET /v1/me/sessions": { in: undefined; query: {  }; out: Session[] };
  /** End the second factor, with a code of it. Needs a session or an API key; no API key. */
  "DELETE /v1/me/totp": { in: CodeInput; query: {  }; out: undefined };
  /** Make the secret of a second factor, which counts once it is confirmed. Needs a session or an API key; no API key. */
  "POST /v1/me/totp": { in: undefined; query: {  }; out: Totp };
  /** Confirm the second factor with a code of it. Needs a session or an API key; no API key. */
  "PUT /v1/me/totp": { in: CodeInput; query: {  }; out: undefined };
  /** Take a browser back from the identity provider, and give it a code for the session. Needs nothing. */
  "GET /v1/oidc/callback": { in: undefined; query: {  }; out: undefined };
  /** Turn the code of a login at the identity provider into a session. Needs nothing. */
  "POST /v1/oidc/exchange": { in: ExchangeInput; query: {  }; out: Login };
  /** Send a browser to the identity provider. Needs nothing. */
  "GET /v1/oidc/login": { in: undefined; query: { challenge?: string | number | boolean; return?: string | number | boolean }; out: undefined };
  /** Describe this API as OpenAPI 3.1. Needs nothing. */
  "GET /v1/openapi.json": { in: undefined; query: {  }; out: undefined };
  /** Explain what a user may do with a resource, and where that comes from. Needs an administrator, or Read on System. */
  "GET /v1/permissions/{user}": { in: undefined; query: { type?: string | number | boolean; name?: string | number | boolean }; out: Explanation };
  /** List the procedures that you may read, by name. Needs a session or an API key; answers what you may read. */
  "GET /v1/procedures": { in: undefined; query: {  }; out: Procedure[] };
  /** Create a procedure; it takes the rights to run each of its executions, and then those on it are enough to run it. Needs Write on Procedure name, in the body. */
  "POST /v1/procedures": { in: Procedure; query: {  }; out: Procedure };
  /** Remove a procedure that no other one calls. A run of it goes on, and its history stays. Needs Write on Procedure {procedure}. */
  "DELETE /v1/procedures/{procedure}": { in: undefined; query: {  }; out: undefined };
  /** Show a procedure. Needs Read on Procedure {procedure}. */
  "GET /v1/procedures/{procedure}": { in: undefined; query: {  }; out: Procedure };
  /** Replace a procedure, or create it; it takes the rights to run each execution that is new in it. If-Match and If-None-Match: * are heeded. Needs Write on Procedure {procedure}. */
  "PUT /v1/procedures/{procedure}": { in: Procedure; query: {  }; out: Procedure };
  /** List versions of items that are kept away because they made a stack fail that you may read. Needs a session or an API key; answers what you may read. */
  "GET /v1/quarantine": { in: undefined; query: {  }; out: Quarantine[] };
  /** Let a version out of quarantine, which the next look carries to stacks. Needs Execute on the stack that failed with it. */
  "POST /v1/quarantine/release": { in: ReleaseInput; query: {  }; out: Quarantine };
  /** List the repos that you may read, by name. Needs a session or an API key; answers what you may read. */
  "GET /v1/repos": { in: undefined; query: {  }; out: Repo[] };
  /** Forget a repo that no stack and no sync names. Needs Write on Repo {repo}. */
  "DELETE /v1/repos/{repo}": { in: undefined; query: {  }; out: undefined };
  /** Show a repo. Needs Read on Repo {repo}. */
  "GET /v1/repos/{repo}": { in: undefined; query: {  }; out: Repo };
  /** Replace a repo, or create it. Stacks and syncs that name it take its address, account, branch, tag and commit. Needs Write on Repo {repo}. */
  "PUT /v1/repos/{repo}": { in: Repo; query: {  }; out: Repo };
  /** Let no rotation begin; one that runs goes on. Needs an administrator. */
  "POST /v1/rotation/freeze": { in: FreezeInput; query: {  }; out: RotationPolicy };
  /** Show when changes are looked for, and when they are carried to stacks. Needs a session or an API key. */
  "GET /v1/rotation/policy": { in: undefined; query: {  }; out: RotationPolicy };
  /** Set that policy; whether rotations are frozen stays as it is. Needs an administrator. */
  "PUT /v1/rotation/policy": { in: RotationPolicy; query: {  }; out: RotationPolicy };
  /** Let rotations begin again. Needs an administrator. */
  "POST /v1/rotation/unfreeze": { in: undefined; query: {  }; out: RotationPolicy };
  /** List rotations of stacks that you may read, the newest first. Needs a session or an API key; answers what you may read. */
  "GET /v1/rotations": { in: undefined; query: { limit?: string | number | boolean; before?: string | number | boolean }; out: Rotation[] };
  /** Say what a rotation would do now, of the stacks that you may read; nothing is changed. Needs a session or an API key; answers what you may read. */
  "POST /v1/rotations/plan": { in: Params; query: {  }; out: Rotation };
  /** Show a rotation: its items, waves and states, of the stacks that you may read. Needs a session or an API key; answers what you may read. */
  "GET /v1/rotations/{id}": { in: undefined; query: {  }; out: Rotation };
  /** Agree to a rotation that waits, as it is planned now, or was when you saw it. Needs Execute on every stack of the rotation. */
  "POST /v1/rotations/{id}/approve": { in: undefined; query: { plan?: string | number | boolean }; out: Rotation };
  /** Cancel a rotation: one that waits ends, one that runs puts everything back. Needs Execute on every stack of the rotation. */
  "POST /v1/rotations/{id}/cancel": { in: undefined; query: {  }; out: Rotation };
  /** Bring the stacks of a rotation back to what they were before it, and put its versions into quarantine. Needs Execute on every stack of the rotation. */
  "POST /v1/rotations/{id}/undo": { in: undefined; query: {  }; out: Update };
  /** List what runs by itself of what you may read, with the next times. Needs a session or an API key; answers what you may read. */
  "GET /v1/schedules": { in: undefined; query: { days?: string | number | boolean }; out: Scheduled[] };
  /** Say what a schedule means: as cron, and the next five times. Nothing is kept. Needs a session or an API key. */
  "POST /v1/schedules/explain": { in: ExplainInput; query: {  }; out: Meaning };
  /** List the items and secret variables that stacks use, of the stacks that you may read, with their age; no values. Needs a session or an API key; answers what you may read. */
  "GET /v1/secrets": { in: undefined; query: { values?: string | number | boolean; fresh?: string | number | boolean }; out: SecretReport };
  /** Show how old secrets may become. Needs a session or an API key. */
  "GET /v1/secrets/policy": { in: undefined; query: {  }; out: SecretPolicy };
  /** Say how old secrets may become. Needs an administrator. */
  "PUT /v1/secrets/policy": { in: SecretPolicy; query: {  }; out: SecretPolicy };
  /** Say which files, services, containers and dependents an item, a field or a variable reaches, of the stacks that you may read. Needs a session or an API key; answers what you may read. */
  "GET /v1/secrets/used-by": { in: undefined; query: { ref?: string | number | boolean }; out: UsedBy };
  /** List the servers that you may read, with their state. Needs a session or an API key; answers what you may read. */
  "GET /v1/servers": { in: undefined; query: {  }; out: Server[] };
  /** Add a server; one of that name is a conflict. Needs Write on Server name, in the body. */
  "POST /v1/servers": { in: ServerInput; query: {  }; out: Server };
  /** Forget a server that no stack is on. Needs Write on Server {server}. */
  "DELETE /v1/servers/{server}": { in: undefined; query: {  }; out: undefined };
  /** Show a server and its state; keys are not shown. Needs Read on Server {server}. */
  "GET /v1/servers/{server}": { in: undefined; query: {  }; out: Server };
  /** Replace a server, or add it; keys that are left out are kept. Needs Write on Server {server}. */
  "PUT /v1/servers/{server}": { in: ServerInput; query: {  }; out: Server };
  /** Ask a server now how it is. Needs Execute on Server {server}. */
  "POST /v1/servers/{server}/check": { in: undefined; query: {  }; out: ServerState };
  /** List the stacks that you may read, by name. Needs a session or an API key; answers what you may read. */
  "GET /v1/stacks": { in: undefined; query: {  }; out: StackSummary[] };
  /** Create a stack; a stack of that name is a conflict. Needs Write on Stack name, in the body. */
  "POST /v1/stacks": { in: Stack; query: {  }; out: Stack };
  /** Forget a stack and its variables; its containers and its history stay. Not while an update of it waits or runs. Needs Write on Stack {stack}. */
  "DELETE /v1/stacks/{stack}": { in: undefined; query: {  }; out: undefined };
  /** Show a stack's configuration; no values of variables. Needs Read on Stack {stack}. */
  "GET /v1/stacks/{stack}": { in: undefined; query: {  }; out: Stack };
  /** Replace a stack's configuration, or create it; If-Match and If-None-Match: * are heeded. Needs Write on Stack {stack}. */
  "PUT /v1/stacks/{stack}": { in: Stack; query: {  }; out: Stack };
  /** Stream what a stack's containers print, masked, as server-sent events with a line each. Needs Read on Stack {stack}. */
  "GET /v1/stacks/{stack}/logs": { in: undefined; query: { service?: string | number | boolean; tail?: string | number | boolean; since?: string | number | boolean; follow?: string | number | boolean }; out: undefined };
  /** Say what a deploy would do, and why; nothing is changed, and no values are shown. Needs Execute on Stack {stack}. */
  "POST /v1/stacks/{stack}/plan": { in: undefined; query: {  }; out: Plan };
  /** Say how a stack's services are now. Needs Read on Stack {stack}. */
  "GET /v1/stacks/{stack}/state": { in: undefined; query: {  }; out: StackState };
  /** Say how every stack is that you may read. Needs a session or an API key; answers what you may read. */
  "GET /v1/states": { in: undefined; query: {  }; out: Record<string, StackState> };
  /** Make resources what TOML files say, all of them or none. Nothing is deployed. Needs an administrator. */
  "POST /v1/sync/apply": { in: SyncInput; query: {  }; out: SyncPlan };
  /** Write all resources as TOML, without secret values. Needs an administrator. */
  "GET /v1/sync/export": { in: undefined; query: {  }; out: Export };
  /** Say what TOML files would change; nothing is changed. Needs an administrator. */
  "POST /v1/sync/plan": { in: SyncInput; query: {  }; out: SyncPlan };
  /** List the resource syncs that you may read, by name. Needs a session or an API key; answers what you may read. */
  "GET /v1/syncs": { in: undefined; query: {  }; out: ResourceSync[] };
  /** Remove a resource sync; what it has made stays. Needs an administrator. */
  "DELETE /v1/syncs/{sync}": { in: undefined; query: {  }; out: undefined };
  /** Show a resource sync. Needs Read on ResourceSync {sync}. */
  "GET /v1/syncs/{sync}": { in: undefined; query: {  }; out: ResourceSync };
  /** Replace a resource sync, or create it. Its files may say anything, so that this takes an administrator. Needs an administrator. */
  "PUT /v1/syncs/{sync}": { in: ResourceSync; query: {  }; out: ResourceSync };
  /** Say what a run of a resource sync would change now. Needs Execute on ResourceSync {sync}. */
  "GET /v1/syncs/{sync}/plan": { in: undefined; query: {  }; out: SyncPlan };
  /** List updates that you may read, newest first. Needs a session or an API key; answers what you may read. */
  "GET /v1/updates": { in: undefined; query: { stack?: string | number | boolean; procedure?: string | number | boolean; parent?: string | number | boolean; state?: string | number | boolean; limit?: string | number | boolean; before?: string | number | boolean }; out: Update[] };
  /** Show an update. Needs Read on what the update is about, or having asked for it. */
  "GET /v1/updates/{id}": { in: undefined; query: {  }; out: Update };
  /** Cancel an update that waits or runs. Needs Execute on what the update is about, or having asked for it. */
  "POST /v1/updates/{id}/cancel": { in: undefined; query: {  }; out: Update };
  /** Show the lines of an update that are kept. Needs Read on what the update is about, or having asked for it. */
  "GET /v1/updates/{id}/lines": { in: undefined; query: { after?: string | number | boolean; limit?: string | number | boolean }; out: Lines };
  /** List the users. Needs an administrator, or Read on System. */
  "GET /v1/users": { in: undefined; query: {  }; out: User[] };
  /** Add a user; without a password, one for the first login is made and shown. Needs an administrator. */
  "POST /v1/users": { in: NewUserInput; query: {  }; out: NewUser };
  /** Delete a user with their sessions and API keys. Needs an administrator. */
  "DELETE /v1/users/{user}": { in: undefined; query: {  }; out: undefined };
  /** Show a user. Needs an administrator, or Read on System. */
  "GET /v1/users/{user}": { in: undefined; query: {  }; out: User };
  /** Replace what an administrator decides of a user: rights, and what they are. Needs an administrator. */
  "PUT /v1/users/{user}": { in: UserInput; query: {  }; out: User };
  /** List the API keys of a user, never the keys themselves. Needs an administrator, or Read on System. */
  "GET /v1/users/{user}/keys": { in: undefined; query: {  }; out: APIKey[] };
  /** Make an API key of a user and show it, this once. Needs an administrator. */
  "POST /v1/users/{user}/keys": { in: KeyInput; query: {  }; out: Key };
  /** End an API key of a user, by its id or name. Needs an administrator. */
  "DELETE /v1/users/{user}/keys/{id}": { in: undefined; query: {  }; out: undefined };
  /** End all sessions of a user; API keys stay. Needs an administrator. */
  "POST /v1/users/{user}/logout": { in: undefined; query: {  }; out: undefined };
  /** Set a password that has to be changed at the next login, or make one and show it; sessions end. Needs an administrator. */
  "POST /v1/users/{user}/password": { in: ResetInput; query: {  }; out: OneTime };
  /** End the second factor of a user who lost it. Needs an administrator. */
  "DELETE /v1/users/{user}/totp": { in: undefined; query: {  }; out: undefined };
  /** List the variables that you may read, without values of secret ones. Needs a session or an API key; answers what you may read. */
  "GET /v1/variables": { in: undefined; query: { stack?: string | number | boolean; used?: string | number | boolean }; out: VariableRow[] };
  /** Delete a variable; stacks that use it cannot be deployed any more. Needs Write on Variable {name}, or stack/{name}. */
  "DELETE /v1/variables/{name}": { in: undefined; query: { stack?: string | number | boolean }; out: undefined };
  /** Show a variable and what uses it, without its value. Needs Read on Variable {name}, or stack/{name}. */
  "GET /v1/variables/{name}": { in: undefined; query: { stack?: string | number | boolean }; out: VariableDetail };
  /** Set a variable; without value and from, a value that is there is kept. Needs Write on Variable {name}, or stack/{name}. */
  "PUT /v1/variables/{name}": { in: VariableInput; query: { stack?: string | number | boolean }; out: Variable };
  /** Show the value of a variable; that of a secret one needs the right Reveal. Needs Read on Variable {name}, or stack/{name}, and Reveal if it is secret. */
  "GET /v1/variables/{name}/value": { in: undefined; query: { stack?: string | number | boolean }; out: Value };
  /** List the changes of a variable, without values. Needs Read on Variable {name}, or stack/{name}. */
  "GET /v1/variables/{name}/versions": { in: undefined; query: { stack?: string | number | boolean }; out: VariableVersion[] };
  /** Say which vault secret references lead to, and whether it answers. Needs an administrator, or Read on System. */
  "GET /v1/vault": { in: undefined; query: {  }; out: VaultState };
  /** Make an encrypted vault in the home of the server, where no vault is configured. Needs an administrator. */
  "POST /v1/vault": { in: undefined; query: {  }; out: VaultState };
  /** List the items of the vault, without their fields. Needs an administrator, or Read on System. */
  "GET /v1/vault/items": { in: undefined; query: { vault?: string | number | boolean }; out: VaultItem[] };
  /** Make an item: a title, tags such as stack:web, and fields with values, recipes, or lines of KEY=value. Needs an administrator. */
  "POST /v1/vault/items": { in: VaultItemInput; query: { vault?: string | number | boolean }; out: VaultItem };
  /** Delete an item for good. Needs an administrator. */
  "DELETE /v1/vault/items/{item}": { in: undefined; query: { vault?: string | number | boolean }; out: undefined };
  /** Show an item with its fields, without their values. Needs an administrator, or Read on System. */
  "GET /v1/vault/items/{item}": { in: undefined; query: { vault?: string | number | boolean }; out: VaultItem };
  /** Change an item: what is not named stays, a field without value and recipe keeps its value. Needs an administrator. */
  "PUT /v1/vault/items/{item}": { in: VaultItemInput; query: { vault?: string | number | boolean }; out: VaultItem };
  /** Show the value of a field of an item. Needs an administrator. */
  "GET /v1/vault/items/{item}/fields/{field}/value": { in: undefined; query: { vault?: string | number | boolean }; out: Value };
  /** Keep a token for the vault, sealed, after it was tried. Needs an administrator. */
  "PUT /v1/vault/token": { in: VaultTokenInput; query: {  }; out: VaultState };
  /** Say which version of Rinca this is. Needs nothing. */
  "GET /v1/version": { in: undefined; query: {  }; out: Version };
  /** Remove the secret for all webhooks; those without one of their own start nothing then. Needs an administrator. */
  "DELETE /v1/webhook-secret": { in: undefined; query: {  }; out: undefined };
  /** Set the secret for all webhooks that have none of their own, or let one be made and shown once. Needs an administrator. */
  "PUT /v1/webhook-secret": { in: WebhookSecretInput; query: {  }; out: WebhookSecret };
  /** List the webhooks of what you may read: their addresses, and what starts them. Needs a session or an API key; answers what you may read. */
  "GET /v1/webhooks": { in: undefined; query: {  }; out: WebhookOf[] };
  /** Remove the secret of a resource; the one for all counts then. Needs Write on Stack {target}, or what {kind} says. */
  "DELETE /v1/webhooks/{kind}/{target}/secret": { in: undefined; query: {  }; out: undefined };
  /** Set the secret that authenticates deliveries to a resource, or let one be made and shown once. Needs Write on Stack {target}, or what {kind} says. */
  "PUT /v1/webhooks/{kind}/{target}/secret": { in: WebhookSecretInput; query: {  }; out: WebhookSecret };
}
