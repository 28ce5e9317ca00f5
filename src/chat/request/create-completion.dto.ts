import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
} from 'class-validator';
import { ServiceError } from '../../domain/service-error.js';
import { type BodyRules, validateBody } from '../../http/validate-body.js';
import { ANY_OBJECT, list, TEXT } from '../../openapi/schema.js';

const MAX_MODEL = 256;
const MAX_MESSAGES = 100_000;
const MAX_STOPS = 4;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of a request that Chiron uses. Others are accepted and ignored: clients send new fields before servers know them. Messages and
 * tools are checked where they are read.
 */
export class CreateCompletionDto {
  @ApiProperty({
    description: 'A model name, or `<harness>/<model>`. The first request of a thread fixes harness and model.',
    examples: ['claude-opus-5-5'],
  })
  @MaxLength(MAX_MODEL)
  @IsString()
  @IsNotEmpty()
  readonly model!: string;

  @ApiProperty({
    description:
      'The conversation. What follows the last message of the assistant is the prompt; the agent remembers what came before.',
    type: 'array',
    items: ANY_OBJECT,
  })
  @ArrayMaxSize(MAX_MESSAGES)
  @ArrayMinSize(1)
  @IsArray()
  readonly messages!: readonly unknown[];

  @ApiPropertyOptional({ description: 'Answer as server-sent events.', type: Boolean, examples: [true] })
  @IsOptional()
  @IsBoolean()
  readonly stream?: boolean | null;

  @ApiPropertyOptional({
    description: '`include_usage`: a last chunk has the usage.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly stream_options?: Fields | null;

  @ApiPropertyOptional({
    description: 'Tools that run at the caller. The agent can call those of type `function` beside its own.',
    type: 'array',
    items: ANY_OBJECT,
  })
  @IsOptional()
  @IsArray()
  readonly tools?: readonly unknown[] | null;

  @ApiPropertyOptional({
    description: '`none`: no tools of the caller. `required`, or one function: the answer is a call of it.',
    oneOf: [TEXT, ANY_OBJECT],
    examples: ['auto'],
  })
  readonly tool_choice?: string | Fields | null;

  @ApiPropertyOptional({ description: 'False: one call of the caller’s tools at a time.', type: Boolean })
  @IsOptional()
  @IsBoolean()
  readonly parallel_tool_calls?: boolean | null;

  @ApiPropertyOptional({
    description: '`{"type": "json_schema", "json_schema": {"schema": …}}`: the answer is JSON that follows the schema.',
    type: 'object',
    additionalProperties: true,
  })
  readonly response_format?: unknown;

  @ApiPropertyOptional({
    description: 'The answer ends before the first of these texts, and the agent is interrupted.',
    oneOf: [TEXT, list(TEXT)],
    examples: ['END'],
  })
  readonly stop?: string | readonly unknown[] | null;

  @ApiPropertyOptional({
    description:
      'The caller’s id of its user, by which usage is recorded and equal conversations are told apart. One in the form of a thread key, `<source>:<id>`, names the thread.',
    type: String,
    examples: ['user-4711'],
  })
  readonly user?: unknown;

  @ApiPropertyOptional({
    description: 'The caller’s id of its user. It counts before `user`, and names no thread.',
    type: String,
  })
  readonly safety_identifier?: unknown;

  @ApiPropertyOptional({ description: 'How many answers: 1.', type: 'integer', examples: [1] })
  readonly n?: unknown;

  @ApiPropertyOptional({ description: 'What an answer is made of: `text`.', type: 'array', items: TEXT })
  readonly modalities?: unknown;

  /** The API's older form of tools. */
  readonly functions?: unknown;
}

const FIELDS = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'stop',
  'user',
  'safety_identifier',
  'n',
  'modalities',
  'functions',
] as const;

const RULES: BodyRules = {
  refuse: refuseBody,
  notAnObject: 'The request body must be a JSON object.',
  readField: (_, value) => value ?? undefined,
};

/** Parses the body of `POST /v1/chat/completions`. @throws ServiceError (`bad_request`) that names each invalid field. */
export function parseCreateCompletion(body: unknown): CreateCompletionDto {
  const dto = validateBody(new CreateCompletionDto(), FIELDS, body, RULES);
  if (dto.n !== undefined && dto.n !== 1) throw refuseBody('n: must be 1, as an agent gives one answer');
  if (dto.functions !== undefined) throw refuseBody('functions: not supported; use tools');
  if (Array.isArray(dto.modalities) && dto.modalities.includes('audio')) {
    throw refuseBody('modalities: must be ["text"]');
  }
  return dto;
}

/** Reads the texts before which an answer ends. @throws ServiceError (`bad_request`) for anything but up to four texts. */
export function readStopSequences({ stop }: CreateCompletionDto): readonly string[] {
  const stops: readonly unknown[] = typeof stop === 'string' ? [stop] : (stop ?? []);
  if (!Array.isArray(stops) || stops.length > MAX_STOPS) throw refuseBody(`stop: must be up to ${MAX_STOPS} texts`);
  return stops.map((text: unknown, index) => {
    if (typeof text === 'string' && text !== '') return text;
    throw refuseBody(`stop[${index}]: must be a text`);
  });
}

function refuseBody(problem: string): ServiceError {
  return new ServiceError('bad_request', problem);
}
