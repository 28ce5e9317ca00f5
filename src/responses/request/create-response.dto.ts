import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsArray, IsBoolean, IsNotEmpty, IsObject, IsOptional, IsString, MaxLength, ValidateIf } from 'class-validator';
import { ServiceError } from '../../domain/service-error.js';
import { type BodyRules, validateBody } from '../../http/validate-body.js';
import { ANY_OBJECT, list, TEXT } from '../../openapi/schema.js';

const MAX_MODEL = 256;
const MAX_ID = 512;
const MAX_ITEMS = 100_000;

type Fields = Readonly<Record<string, unknown>>;

const isGiven = (_: object, value: unknown): boolean => value !== undefined && value !== null;

/**
 * The fields of a request that Chiron uses. Others are accepted and ignored: clients send new fields before servers know them. The items
 * of `input` and `tools` are checked where they are read: Codex sends kinds that only it knows. [Codex 0.169.0]
 */
export class CreateResponseDto {
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
      'A text, or the items of the conversation. What follows the last item of the agent is the prompt; the agent remembers what came before.',
    oneOf: [TEXT, list(ANY_OBJECT)],
    examples: ['Which files are here?'],
  })
  readonly input!: string | readonly unknown[];

  @ApiPropertyOptional({ description: 'Answer as server-sent events.', type: Boolean, examples: [true] })
  @IsOptional()
  @IsBoolean()
  readonly stream?: boolean | null;

  @ApiPropertyOptional({ description: 'Answer at once, and run on; read the response by its id.', type: Boolean })
  @IsOptional()
  @IsBoolean()
  readonly background?: boolean | null;

  @ApiPropertyOptional({ description: 'Returned as it is. Responses are stored in any case.', type: Boolean })
  @IsOptional()
  @IsBoolean()
  readonly store?: boolean | null;

  @ApiPropertyOptional({
    description: 'Appended to the agent’s own instructions when the thread is new.',
    type: String,
    examples: ['Answer briefly.'],
  })
  @ValidateIf(isGiven)
  @IsString()
  readonly instructions?: string | null;

  @ApiPropertyOptional({
    description: 'The response that the input continues.',
    type: String,
    examples: ['resp_018f3c'],
  })
  @ValidateIf(isGiven)
  @MaxLength(MAX_ID)
  @IsString()
  readonly previous_response_id?: string | null;

  @ApiPropertyOptional({
    description:
      'The conversation that the response belongs to: any id of the caller, or an object with it. It names the thread.',
    oneOf: [TEXT, ANY_OBJECT],
    examples: ['conv_4711'],
  })
  readonly conversation?: string | Fields | null;

  @ApiPropertyOptional({
    description: 'Tools that run at the caller. The agent can call those of type `function` beside its own.',
    type: 'array',
    items: ANY_OBJECT,
  })
  @IsOptional()
  @IsArray()
  readonly tools?: readonly unknown[] | null;

  @ApiPropertyOptional({
    description: '`none`: no tools of the caller. `required`, or one function: the response is a call of it.',
    oneOf: [TEXT, ANY_OBJECT],
    examples: ['auto'],
  })
  readonly tool_choice?: string | Fields | null;

  @ApiPropertyOptional({ description: 'False: one call of the caller’s tools at a time.', type: Boolean })
  @IsOptional()
  @IsBoolean()
  readonly parallel_tool_calls?: boolean | null;

  @ApiPropertyOptional({
    description: '`format` with `{"type": "json_schema", "schema": …}`: the answer is JSON that follows the schema.',
    type: 'object',
    additionalProperties: true,
  })
  @IsOptional()
  @IsObject()
  readonly text?: Fields | null;

  @ApiPropertyOptional({
    description: '`reasoning.encrypted_content` gives reasoning items that field.',
    type: 'array',
    items: TEXT,
  })
  @IsOptional()
  @IsArray()
  readonly include?: readonly unknown[] | null;

  @ApiPropertyOptional({ description: 'Returned as it is.', type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject()
  readonly metadata?: Fields | null;

  @ApiPropertyOptional({ description: 'The caller’s id of its user, by which usage is recorded.', type: String })
  readonly safety_identifier?: string | null;

  @ApiPropertyOptional({ description: 'The older name of `safety_identifier`.', type: String, deprecated: true })
  readonly user?: string | null;

  /** Codex's copy of its headers. */
  @IsOptional()
  @IsObject()
  readonly client_metadata?: Fields | null;

  /** A prompt that is stored at OpenAI. */
  readonly prompt?: unknown;
}

const FIELDS = [
  'model',
  'input',
  'stream',
  'background',
  'store',
  'instructions',
  'previous_response_id',
  'conversation',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'text',
  'include',
  'metadata',
  'safety_identifier',
  'user',
  'client_metadata',
  'prompt',
] as const;

const RULES: BodyRules = {
  refuse: badRequestBody,
  notAnObject: 'The request body must be a JSON object.',
  readField: (_, value) => value,
};

/** Parses the body of `POST /v1/responses`. @throws ServiceError (`bad_request`) that names each invalid field. */
export function parseCreateResponse(body: unknown): CreateResponseDto {
  const dto = validateBody(new CreateResponseDto(), FIELDS, body, RULES);
  const { input, prompt, previous_response_id: previous, conversation } = dto;
  if (isGiven(dto, prompt))
    throw badRequestBody('prompt: stored prompts are not supported; send input and instructions');
  const isText = typeof input === 'string' && input.trim() !== '';
  const isList = Array.isArray(input) && input.length > 0 && input.length <= MAX_ITEMS;
  if (!isText && !isList) throw badRequestBody(`input: must be a text, or a list of 1 to ${MAX_ITEMS} items`);
  if (isGiven(dto, previous) && isGiven(dto, conversation)) {
    throw badRequestBody('previous_response_id: cannot be used together with conversation');
  }
  return dto;
}

function badRequestBody(problem: string): ServiceError {
  return new ServiceError('bad_request', problem);
}
