import { ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  type ValidationOptions,
} from 'class-validator';
import { parseHostRule } from '../../domain/host-rule.js';
import type { Policy } from '../../domain/policy/policy.js';
import { TOOL_BLOCK_FORMS, type ToolBlockForm } from '../../domain/tool-block-form.js';
import { validateAdminBody } from './admin-body.js';

/** Most entries of a list, and longest entry: each request is compared with all of them. */
const MAX_ENTRIES = 100;
const MAX_ENTRY_LENGTH = 256;

/** One part of a path, on every file system, that leads nowhere else. */
const TEMPLATE_NAME = /^\w[\w.-]{0,63}$/;

/** Limits that no server reaches; a larger number is a mistake. */
const MAX_COUNT = 1_000_000;
const MAX_TOKENS = 1_000_000_000_000;
const MAX_USD = 1_000_000_000;

const IsHostRule = (options: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isHostRule',
      validator: { validate: (value) => typeof value === 'string' && parseHostRule(value, 'web') !== undefined },
    },
    options,
  );

/** The body that replaces a policy. A field that is absent restricts nothing, so that an empty body removes the policy. */
export class PolicyDto implements Policy {
  @ApiPropertyOptional({
    description: 'Harnesses whose agents may run.',
    type: [String],
    nullable: true,
    examples: [['claude-code']],
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ENTRIES)
  @IsString({ each: true })
  @Matches(/^[a-z][\w-]{0,63}$/, { each: true, message: 'must have names of harnesses, such as claude-code' })
  readonly harnesses?: readonly string[];

  @ApiPropertyOptional({
    description:
      'Models that agents may run; `*` stands for any text. An agent that runs the default model of its harness has the name of the harness.',
    type: [String],
    nullable: true,
    examples: [['claude-*', 'gpt-5*']],
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ENTRIES)
  @IsString({ each: true })
  @MaxLength(MAX_ENTRY_LENGTH, { each: true })
  @Matches(/^\S+$/, { each: true, message: 'must have names of models, with * for any text' })
  readonly models?: readonly string[];

  @ApiPropertyOptional({
    description: 'The forms of `x-chiron-tool-blocks` in which the tools that the agent ran may be shown.',
    type: 'array',
    items: { type: 'string', enum: [...TOOL_BLOCK_FORMS] },
    nullable: true,
    examples: [['text', 'none']],
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ENTRIES)
  @IsIn(TOOL_BLOCK_FORMS, { each: true })
  readonly tool_blocks?: readonly ToolBlockForm[];

  @ApiPropertyOptional({
    description: '`false`: requests may not give the agent tools of the caller.',
    type: Boolean,
    nullable: true,
  })
  @IsOptional()
  @IsBoolean()
  readonly caller_tools?: boolean;

  @ApiPropertyOptional({
    description: '`false`: requests may not have a system prompt for the agent.',
    type: Boolean,
    nullable: true,
  })
  @IsOptional()
  @IsBoolean()
  readonly caller_system?: boolean;

  @ApiPropertyOptional({
    description: 'Beginnings of the keys of threads that requests may name.',
    type: [String],
    nullable: true,
    examples: [['ci:']],
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ENTRIES)
  @IsString({ each: true })
  @MaxLength(MAX_ENTRY_LENGTH, { each: true })
  @Matches(/^\S+$/, { each: true, message: 'must have beginnings of keys, such as ci:' })
  readonly thread_key_prefixes?: readonly string[];

  @ApiPropertyOptional({
    description:
      'Name of a folder in `CHIRON_WORKSPACE_TEMPLATES`: new threads begin with a copy of it, instead of `CHIRON_WORKSPACE_TEMPLATE`.',
    nullable: true,
    examples: ['team-a'],
  })
  @IsOptional()
  @IsString()
  @Matches(TEMPLATE_NAME, { message: 'must be the name of a folder, such as team-a' })
  readonly workspace_template?: string;

  @ApiPropertyOptional({
    description:
      'Hosts that agents may reach besides their model, of those that the deployment allows, such as `github.com`, `*.example.com` or `git.example.com:8443`. An empty list: none.',
    type: [String],
    nullable: true,
    examples: [['github.com', '*.example.com']],
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_ENTRIES)
  @IsString({ each: true })
  @MaxLength(MAX_ENTRY_LENGTH, { each: true })
  @IsHostRule({ each: true, message: 'must have hosts such as github.com, *.example.com or git.example.com:8443' })
  readonly sandbox_hosts?: readonly string[];

  @ApiPropertyOptional({
    description: 'How many turns may run or wait at the same time.',
    type: 'integer',
    minimum: 0,
    maximum: MAX_COUNT,
    nullable: true,
    examples: [4],
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_COUNT)
  readonly concurrent_turns?: number;

  @ApiPropertyOptional({
    description: 'How many requests may be sent in a minute, whatever they ask.',
    type: 'integer',
    minimum: 0,
    maximum: MAX_COUNT,
    nullable: true,
    examples: [60],
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_COUNT)
  readonly requests_per_minute?: number;

  @ApiPropertyOptional({
    description: 'Tokens of all kinds in a day of UTC; once they are used, no new turn starts.',
    type: 'integer',
    minimum: 0,
    maximum: MAX_TOKENS,
    nullable: true,
    examples: [5_000_000],
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_TOKENS)
  readonly tokens_per_day?: number;

  @ApiPropertyOptional({
    description: 'US dollars in a month of UTC; once they are spent, no new turn starts.',
    type: Number,
    minimum: 0,
    maximum: MAX_USD,
    nullable: true,
    examples: [250],
  })
  @IsOptional()
  @IsNumber({ maxDecimalPlaces: 6 })
  @Min(0)
  @Max(MAX_USD)
  readonly usd_per_month?: number;
}

const FIELDS = [
  'harnesses',
  'models',
  'tool_blocks',
  'caller_tools',
  'caller_system',
  'thread_key_prefixes',
  'workspace_template',
  'sandbox_hosts',
  'concurrent_turns',
  'requests_per_minute',
  'tokens_per_day',
  'usd_per_month',
] as const satisfies readonly (keyof Policy)[];

/** @throws ServiceError (`bad_request`) that names each wrong field, and one that is no field of policies. */
export function parsePolicy(body: unknown): Policy {
  const dto = validateAdminBody(new PolicyDto(), FIELDS, body);
  // Only what the body has: an absent field restricts nothing.
  return Object.fromEntries(Object.entries(dto).filter(([, value]) => value !== undefined));
}
